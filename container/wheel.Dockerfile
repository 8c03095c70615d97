# The compiled wheel of cachetwin-engine for the Python of BASE, for a machine whose own Python is another one:
#
#   docker build -f container/wheel.Dockerfile --output dist/compiled .
#   buildah bud --format docker -f container/wheel.Dockerfile --ignorefile container/wheel.Dockerfile.dockerignore \
#     --output dist/compiled .
#
ARG BASE=docker.io/library/debian:bookworm-slim

FROM ${BASE} AS build
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends \
    ca-certificates gcc libc6-dev python3-dev python3-venv > /dev/null
COPY requirements.lock VERSION /src/
COPY engine /src/engine
WORKDIR /src
# What the build needs, with the hashes of the lock.
RUN python3 -m venv /build \
 && awk '/^[a-z]/ {keep = $1 ~ /^(ast-serialize|librt|mypy|mypy-extensions|pathspec|setuptools|types-psutil|types-setuptools|typing-extensions)==/} keep' \
    requirements.lock > build.lock \
 && /build/bin/pip install --quiet --no-cache-dir --no-deps --require-hashes --requirement build.lock \
 && CACHETWIN_COMPILE=1 /build/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheels ./engine

FROM scratch
COPY --from=build /wheels/*.whl /
