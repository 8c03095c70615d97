"""The engine's image, seen through a client and through podman."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import redis
from pymemcache.client.base import Client as PymemcacheClient
from tests.container.conftest import Container, Containers, podman
from tests.engine.conftest import Certificates
from tests.processes import free_port, wait_until

COMPRESSED_BYTES_MAX = 90_000_000


def client(port: int, **settings: object) -> redis.Redis:
    return redis.Redis(port=port, socket_timeout=10, **settings)  # type: ignore[arg-type]


def test_it_answers_over_plain_text_and_is_the_compiled_build(containers: Containers) -> None:
    container, port = containers.start("--profile", "redis-7.1")
    with client(port) as cache:
        assert cache.set("k", "v")
        assert cache.get("k") == b"v"
        assert cache.info("server")["redis_version"].startswith("7.1")
    assert '"core": "compiled"' in container.logs()
    assert container.health() == (0, "")
    assert container.stop() == 0


def test_it_answers_over_tls(containers: Containers, certificates: Certificates, tmp_path: Path) -> None:
    mounted = [word.replace(str(tmp_path), "/certs") for word in certificates.arguments("localhost")]
    for path in tmp_path.iterdir():
        path.chmod(0o644)
    tmp_path.chmod(0o755)
    port = free_port()
    container, _ = containers.start(
        "--port", "0", "--tls-port", str(port), *mounted, options=("-v", f"{tmp_path}:/certs:ro"), port=port
    )
    with client(port, ssl=True, ssl_ca_certs=str(certificates.ca_file)) as cache:
        assert cache.ping()
    assert container.health() == (0, "")


@pytest.mark.parametrize(
    "directives", [("--requirepass", "secret-of-a-test"), ("--maxmemory", "10mb"), ("--databases", "1")]
)
def test_it_is_healthy_however_it_was_set(containers: Containers, directives: tuple[str, ...]) -> None:
    container, _ = containers.start(*directives)
    assert container.health() == (0, "")


@pytest.mark.parametrize("protocols", ["TLSv1.3", "TLSv1.2"])
def test_it_is_healthy_where_clients_need_certificates(
    containers: Containers, certificates: Certificates, tmp_path: Path, protocols: str
) -> None:
    mounted = [word.replace(str(tmp_path), "/certs") for word in certificates.arguments("localhost")]
    for path in tmp_path.iterdir():
        path.chmod(0o644)
    tmp_path.chmod(0o755)
    port = free_port()
    trusted = f"/certs/{certificates.ca_file.relative_to(tmp_path)}"
    settings = ("--tls-auth-clients", "yes", "--tls-ca-cert-file", trusted, "--tls-protocols", protocols)
    container, _ = containers.start(
        "--port", "0", "--tls-port", str(port), *mounted, *settings, options=("-v", f"{tmp_path}:/certs:ro"), port=port
    )
    assert container.health() == (0, "")


def test_it_is_healthy_on_a_unix_socket_alone(engine_image: str) -> None:
    words = ("--port", "0", "--unixsocket", "/run/engine/it.sock")
    container = Container(engine_image, *words, options=("--tmpfs", "/run/engine:mode=1777"))
    try:
        container.wait_for_log("Ready to accept connections")
        assert container.health() == (0, "")
    finally:
        container.remove()


def test_it_is_healthy_when_it_has_as_many_clients_as_it_takes(containers: Containers) -> None:
    container, port = containers.start("--maxclients", "2")
    with client(port) as one, client(port) as two:
        assert one.ping()
        assert two.ping()
        assert container.health() == (0, "")


@pytest.mark.parametrize("words", [("--bind", "127.0.0.1"), ("-l", "127.0.0.1")])
def test_memcached_listens_where_it_is_told_and_nowhere_else(engine_image: str, words: tuple[str, ...]) -> None:
    port = free_port()
    container = Container(engine_image, "--profile", "memcached-1.6", "-p", str(port), *words)
    try:
        container.wait_for_port(port)
        cache = PymemcacheClient(("127.0.0.1", port), timeout=10)
        assert cache.set("k", "v", noreply=False)
        assert cache.get("k") == b"v"
        cache.close()
        assert container.health() == (0, "")
        listens = [line for line in container.logs().splitlines() if '"listening"' in line]
        assert [json.loads(line)["address"] for line in listens] == [f"127.0.0.1:{port}"]
        assert container.stop() == 0
    finally:
        container.remove()


@pytest.mark.parametrize("user", ["1234", "nobody"])
def test_any_user_may_run_it(containers: Containers, user: str) -> None:
    container, port = containers.start(options=("--user", user))
    with client(port) as cache:
        assert cache.set("k", "v")
    assert container.health() == (0, "")


def test_a_full_volume_keeps_the_last_save_and_refuses_writes(containers: Containers) -> None:
    container, port = containers.start("--save", "3600 1", options=("--tmpfs", "/data:size=1m"))
    with client(port) as cache:
        cache.set("saved", os.urandom(300_000))
        assert cache.save()
        cache.set("too large", os.urandom(1_000_000))
        with pytest.raises(redis.ResponseError):
            cache.save()
        cache.bgsave()
        wait_until(lambda: cache.info("persistence")["rdb_last_bgsave_status"] == "err", "a save that fails")
        with pytest.raises(redis.ResponseError, match="MISCONF"):
            cache.set("refused", "v")
        assert container.health() == (0, "")
        files = podman("exec", container.id, "find", "/data", "-type", "f", "-size", "+100k").stdout.split()
        assert files == ["/data/dump.rdb"]
        cache.config_set("stop-writes-on-bgsave-error", "no")
        assert cache.delete("too large") == 1
    assert container.stop() == 0


def test_it_is_unhealthy_when_it_does_not_answer(containers: Containers) -> None:
    container, port = containers.start()
    podman("kill", "--signal", "STOP", container.id)
    code, said = container.health()
    podman("kill", "--signal", "CONT", container.id)
    assert code == 1
    assert said == f"no PONG from 127.0.0.1:{port}\n"


def test_it_runs_without_root_capabilities_or_a_writable_file_system(containers: Containers) -> None:
    container, _ = containers.start()
    status = dict(
        line.split(":\t", 1)
        for line in Path(f"/proc/{container.pid()}/status").read_text(encoding="ascii").splitlines()
        if ":\t" in line
    )
    assert status["Uid"].split() == ["10001"] * 4
    assert {status[name].strip() for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"].strip() == "1"
    written = podman("exec", container.id, "sh", "-c", "touch /opt/cachetwin/x /data/x /etc/x", check=False)
    assert written.returncode != 0
    assert written.stderr.count("Read-only file system") == 3


@pytest.mark.parametrize("end", ["TERM", "KILL"])
def test_a_volume_keeps_the_data(containers: Containers, end: str) -> None:
    volume = podman("volume", "create").stdout.strip()
    options = ("-v", f"{volume}:/data")
    try:
        container, port = containers.start("--save", "3600 1", options=options)
        with client(port) as cache:
            cache.set("saved", "1")
            cache.save()
            cache.set("after", "2")
        if end == "TERM":
            assert container.stop() == 0
        else:
            container.kill()
        _, port = containers.start("--save", "3600 1", options=options)
        with client(port) as cache:
            assert cache.get("saved") == b"1"
            assert cache.get("after") == (b"2" if end == "TERM" else None)
    finally:
        containers.remove_all()
        podman("volume", "rm", "--force", volume, check=False)


def test_it_takes_every_directive_that_it_names(containers: Containers, tmp_path: Path) -> None:
    _, port = containers.start()
    with client(port) as cache:
        settings = cache.config_get("*")
    # Said on the command line, or tied to files and addresses of another machine.
    left_out = {"port", "bind", "include", "dir", "logfile", "unixsocket", "aclfile", "replicaof", "slaveof", "save"}
    lines = [
        f"{name} {json.dumps(value)}"
        for name, value in settings.items()
        if name not in left_out and not name.startswith("tls-") and value != ""
    ]
    assert len(lines) > 100
    file = tmp_path / "cache.conf"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    tmp_path.chmod(0o755)
    _, port = containers.start("--include", "/conf/cache.conf", options=("-v", f"{tmp_path}:/conf:ro"))
    with client(port) as cache:
        taken = cache.config_get("*")
    assert {name: taken[name] for name in settings if name not in left_out} == {
        name: value for name, value in settings.items() if name not in left_out
    }


@pytest.mark.parametrize(
    ("directives", "names"),
    [
        (("--maxmemory-polcy", "allkeys-lru"), "maxmemory-polcy"),
        (("--port", "70000"), "port"),
        (("--profile", "redis-1"), "redis-1"),
        (("--dir", "/nowhere"), "/nowhere"),
        (("--port", "0"), "port"),
        (("--tls-port", "6380"), "tls-cert-file"),
        (("--bind", ""), "bind"),
        (("--profile", "memcached-1.6", "-m", "all"), "-m"),
        (("cluster", "--shards", "0"), "shards"),
    ],
)
def test_a_bad_directive_is_one_line_and_a_status(engine_image: str, directives: tuple[str, ...], names: str) -> None:
    done = podman("run", "--rm", "--network", "host", engine_image, "--bind", "127.0.0.1", *directives, check=False)
    assert done.returncode not in {0, 125, 126, 127}
    said = [line for line in done.stderr.splitlines() if "level=" not in line]  # podman's own warnings
    assert len(said) == 1, said
    assert names in said[0]


def test_the_image_says_what_it_is(engine_image: str) -> None:
    config = json.loads(podman("image", "inspect", engine_image).stdout)[0]["Config"]
    assert config["User"] == "10001"
    assert config["StopSignal"] == "SIGTERM"
    labels = config["Labels"]
    assert labels["org.opencontainers.image.title"] == "cachetwin-engine"
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert labels["org.opencontainers.image.version"] == (Path(__file__).parents[2] / "VERSION").read_text().strip()


def test_the_image_is_small(engine_image: str, tmp_path: Path) -> None:
    podman("push", "--quiet", "--compress", engine_image, f"dir:{tmp_path}/image", timeout=300)
    size = sum(path.stat().st_size for path in (tmp_path / "image").iterdir())
    assert size < COMPRESSED_BYTES_MAX


def test_the_help_is_the_engines(engine_image: str) -> None:
    done = podman("run", "--rm", "--network", "host", engine_image, "--help")
    assert "--profile" in done.stdout


def test_the_base_script_names_what_it_cannot_make() -> None:
    base = Path(__file__).parents[2] / "container" / "base.sh"
    done = subprocess.run([base, "no-such-suite"], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "no-such-suite" in done.stderr


def test_with_docker_the_image_has_the_name_that_docker_run_knows(tmp_path: Path) -> None:
    wheels, programs = tmp_path / "wheels", tmp_path / "bin"
    for folder in (wheels, programs):
        folder.mkdir()
    (wheels / "cachetwin_engine-0-cp311-cp311-linux_x86_64.whl").touch()
    docker = programs / "docker"
    docker.write_text(f'#!/bin/sh\n[ "$1" = info ] || echo "$@" > {tmp_path}/said\n')
    docker.chmod(0o755)
    environment = {
        **os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "WHEELS": str(wheels), "PYTHON": sys.executable,
    }  # fmt: skip
    build = Path(__file__).parents[2] / "container" / "build.sh"
    done = subprocess.run([build, "engine"], env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "cachetwin-engine\n"
    assert "--tag cachetwin-engine ." in (tmp_path / "said").read_text()
