"""Production settings: `gunicorn policy_service.wsgi:app`, started in this folder, reads them.

The command line overrides them: `gunicorn --workers 4 --bind 127.0.0.1:9000 policy_service.wsgi:app`. What they are,
and why: policy_service/serving.py.
"""

from policy_service.serving import for_gunicorn
from policy_service.settings import read_settings

globals().update(for_gunicorn(read_settings()))
