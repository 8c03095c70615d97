# The runner as a container: `cachetwin` with the engine and a PostgreSQL, for an assembly that was synthesised outside.
#
#   make image-runner      stages both wheels and their part of the lock in STAGED, then builds this (container/build.sh)
#   docker run --rm --network host --user "$(id -u):$(id -g)" -v "$PWD:/app" cachetwin
#
# The app's folder, with its cdk.out, is /app. There is no Node and no CDK in here: run `cdk synth` outside.
ARG BASE=docker.io/library/debian:bookworm-slim

FROM ${BASE} AS python
# python3-venv: the runner makes a virtual environment for each service of the app.
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends \
    ca-certificates python3 python3-venv > /dev/null \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log \
 && useradd --uid 10001 --user-group --no-create-home --home-dir /app --shell /usr/sbin/nologin cachetwin \
 && install --directory --owner=10001 --group=10001 --mode=0750 /app

FROM python AS install
ARG STAGED=dist/image/runner
COPY ${STAGED} /src
WORKDIR /src
RUN python3 -m venv /opt/cachetwin \
 && pip="/opt/cachetwin/bin/pip install --quiet --no-cache-dir --no-deps --no-compile" \
 && $pip --require-hashes --only-binary :all: --requirement requirements.lock \
 && $pip ./*.whl \
 && /opt/cachetwin/bin/pip uninstall --quiet --yes pip setuptools \
 && find /opt/cachetwin -name '*.pyi' -delete \
 && /opt/cachetwin/bin/python -m compileall -q /opt/cachetwin/lib

FROM python
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="cachetwin" \
      org.opencontainers.image.description="Brings the architecture of a synthesised CDK app up on this machine" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=install /opt/cachetwin /opt/cachetwin
ENV PATH=/opt/cachetwin/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
USER 10001
# SIGTERM stops everything that runs; data and secrets stay in /app/.cachetwin.
STOPSIGNAL SIGTERM
ENTRYPOINT ["cachetwin", "--project", "/app"]
CMD ["up", "--no-synth"]
