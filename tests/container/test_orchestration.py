"""The compose file and the Kubernetes example, run with podman."""

import shutil
from collections.abc import Iterator

import pytest
import redis
from tests.container.conftest import podman, run
from tests.processes import wait_until


@pytest.fixture
def compose(engine_image: str) -> Iterator[None]:
    if shutil.which("podman-compose") is None:
        pytest.skip("podman-compose is not installed")
    podman("tag", engine_image, "localhost/cachetwin-engine:latest")
    run("podman-compose", "-f", "container/compose.yaml", "up", "-d", "cache", timeout=120)
    yield
    run("podman-compose", "-f", "container/compose.yaml", "down", timeout=120)


def _answers(port: int) -> bool:
    try:
        with redis.Redis(port=port, socket_timeout=5) as cache:
            return bool(cache.ping())
    except (redis.ConnectionError, redis.TimeoutError):
        return False


@pytest.mark.usefixtures("compose")
def test_compose_publishes_the_cache_on_loopback() -> None:
    wait_until(lambda: _answers(6379), "the cache of the compose file")
    with redis.Redis(port=6379) as cache:
        assert cache.config_get("maxmemory") == {"maxmemory": str(256 * 1024 * 1024)}
        assert cache.info("server")["valkey_version"].startswith("8.1")


def test_a_pod_finds_its_cache_beside_it(engine_image: str) -> None:
    podman("tag", engine_image, "localhost/cachetwin-engine:latest")
    podman("play", "kube", "--network", "host", "container/kubernetes.yaml")
    try:
        wait_until(
            lambda: "visits :3" in podman("logs", "app-with-cache-app").stdout,
            "three visits counted by the pod's cache",
        )
        cache = podman("inspect", "--format", "{{.Config.User}} {{.HostConfig.ReadonlyRootfs}}", "app-with-cache-cache")
        assert cache.stdout.split() == ["10001", "true"]
    finally:
        podman("play", "kube", "--down", "container/kubernetes.yaml", check=False)
