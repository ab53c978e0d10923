# docker build -t policy-service .
# docker run --read-only --tmpfs /tmp -v policy-data:/data -e POLICY_DATABASE_URL=… \
#     -v policy-key:/keys:ro -e POLICY_SIGNING_KEY=/keys policy-service
# The service answers other hosts only when a key or an issuer is there, and the key that signs the log is not beside the
# database: see docs/operations.md.

FROM python:3.12-slim AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
RUN python -m venv /opt/venv
WORKDIR /build
COPY requirements.txt ./
# Only what is needed to run: the part of requirements.txt before its tests. durable_rules compiles its C core; why with
# these words: the Makefile.
RUN sed '/^# --- test ---$/,$d' requirements.txt > run.txt \
    && /opt/venv/bin/pip install --no-cache-dir "$(grep '^setuptools==' run.txt)" \
    && CC="gcc -O2 -DPyEval_CallObject=PyObject_CallObject" /opt/venv/bin/pip install --no-cache-dir \
        --no-binary durable_rules --no-build-isolation --no-deps --use-pep517 "$(grep '^durable_rules==' run.txt)" \
    && /opt/venv/bin/pip install --no-cache-dir -r run.txt \
    && /opt/venv/bin/python -c 'import durable_rules_engine'
COPY pyproject.toml README.md LICENSE ./
COPY policy_service ./policy_service
RUN /opt/venv/bin/pip install --no-cache-dir --no-build-isolation --no-deps . \
    && /opt/venv/bin/pip uninstall --yes setuptools pip

FROM python:3.12-slim
RUN useradd --system --uid 10001 --user-group --home-dir /srv --shell /usr/sbin/nologin policy \
    && install --directory --owner=policy --group=policy --mode=700 /data
COPY --from=build /opt/venv /opt/venv
WORKDIR /srv
COPY gunicorn.conf.py ./
COPY rules ./rules
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    POLICY_DATABASE_URL=sqlite:////data/policy.sqlite3 \
    POLICY_LOG_FORMAT=json
USER 10001:10001
VOLUME ["/data"]
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "--worker-tmp-dir", "/tmp", "policy_service.wsgi:app"]
