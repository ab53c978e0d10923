"""The entry of gunicorn: `gunicorn policy_service.wsgi:app`, with gunicorn.conf.py of this repository."""

from policy_service.app import create_app

app = create_app()
