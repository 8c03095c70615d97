#!/usr/bin/env bash
# Build an image: container/build.sh engine|runner [IMAGE]     default: cachetwin-engine, cachetwin; with buildah below localhost/
#
# WHEELS   a folder with the wheels       default: dist/compiled for the engine's, dist/pure for the runner's
# BASE     the base image                 default: the Debian whose Python the engine's wheel was made for; from a registry
#                                         with docker, else made by container/base.sh
# PYTHON   an interpreter that has all three distributions, for its part of the lock     default: .venv/bin/python
#
# Uses docker where it runs, else buildah. Prints the name of the image as its last word.
set -euo pipefail
cd "$(dirname "$0")/.."

kind=${1:-}
case $kind in
  engine) distribution=cachetwin-engine ;;
  runner) distribution=cachetwin ;;
  *) echo "container/build.sh: the first argument is engine or runner, got '$kind'" >&2; exit 2 ;;
esac
# Podman finds localhost/NAME as NAME, docker does not.
with_docker=$(docker info > /dev/null 2>&1 && echo yes || true)
image=${2:-${with_docker:+$distribution}}
image=${image:-localhost/$distribution}
python=${PYTHON:-.venv/bin/python}
staged=dist/image/$kind

rm -rf "$staged"
mkdir -p "$staged"
stage() {  # stage WHAT FOLDER PATTERN: copy the newest wheel, or say how to get one
  local wheel
  wheel=$(ls -t "$2"/$3 2> /dev/null | head -n 1)
  if [ -z "$wheel" ]; then
    echo "container/build.sh: $2 has no wheel of $1: run \`make wheels\` first, or name another folder in WHEELS" >&2
    exit 1
  fi
  cp "$wheel" "$staged/"
}
stage cachetwin-engine "${WHEELS:-dist/compiled}" 'cachetwin_engine-*.whl'
[ "$kind" = engine ] || stage cachetwin "${WHEELS:-dist/pure}" 'cachetwin-[0-9]*.whl'
case $(ls "$staged") in
  *cachetwin_engine-*-cp311-*) suite=bookworm ;;
  *cachetwin_engine-*-cp313-*) suite=trixie ;;
  *)
    if [ -z "${BASE:-}" ]; then
      echo "container/build.sh: no Debian release has the Python of $(ls "$staged"/cachetwin_engine-*):" \
        "name a BASE that has it, or make a wheel for Debian's with container/wheel.Dockerfile" >&2
      exit 1
    fi ;;
esac
"$python" tools/lock_subset.py "$distribution" > "$staged/requirements.lock"

dockerfile=container/Dockerfile
[ "$kind" = engine ] || dockerfile=container/runner.Dockerfile
arguments=(--build-arg "STAGED=$staged" --build-arg "VERSION=$(cat VERSION)"
  --build-arg "REVISION=$(git rev-parse HEAD 2>/dev/null || echo unknown)" --file "$dockerfile" --tag "$image")

if [ -n "$with_docker" ]; then
  docker build --build-arg "BASE=${BASE:-docker.io/library/debian:$suite-slim}" "${arguments[@]}" . >&2
else
  base=${BASE:-localhost/debian:$suite-slim}
  [ -n "${BASE:-}" ] || buildah inspect --type image "$base" > /dev/null 2>&1 || container/base.sh "$suite" "$base" >&2
  # chroot: works in a container without namespaces of its own; the docker format keeps HEALTHCHECK and STOPSIGNAL.
  buildah bud --quiet --isolation chroot --network host --format docker --ignorefile "$dockerfile.dockerignore" \
    --build-arg "BASE=$base" "${arguments[@]}" . >&2
fi
echo "$image"
