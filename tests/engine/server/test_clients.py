"""The clients that people use, as they come: redis-py, valkey-py, GLIDE, redis-cli, redis-benchmark; plain and TLS."""

import asyncio
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import time
from typing import TYPE_CHECKING

import glide
import pytest
import redis
import redis.asyncio
import valkey

if TYPE_CHECKING:
    from tests.engine.conftest import Certificates, EngineProcess, StartEngine

needs_redis_cli = pytest.mark.skipif(shutil.which("redis-cli") is None, reason="redis-cli is not installed")
needs_redis_benchmark = pytest.mark.skipif(shutil.which("redis-benchmark") is None, reason="no redis-benchmark")


def exercise(client: redis.Redis | valkey.Valkey) -> None:
    """What redis-py and valkey-py have in common: values, times, errors, pipelines, transactions."""
    assert client.set("key", "value", ex=100)
    assert client.get("key") == "value"
    assert client.ttl("key") in range(90, 101)
    assert client.delete("n") in {0, 1}
    with client.pipeline(transaction=True) as pipeline:
        pipeline.set("n", 1)
        pipeline.incr("n")
        pipeline.get("n")
        assert pipeline.execute() == [True, 2, "2"]


@pytest.mark.parametrize("protocol", [2, 3])
def test_redis_py(engine_server: "EngineProcess", protocol: int) -> None:
    with redis.Redis(port=engine_server.port, protocol=protocol, decode_responses=True) as client:
        exercise(client)
        with pytest.raises(redis.ResponseError, match="value is not an integer"):
            client.incr("key")


@pytest.mark.parametrize("protocol", [2, 3])
def test_valkey_py(engine_server: "EngineProcess", protocol: int) -> None:
    with valkey.Valkey(port=engine_server.port, protocol=protocol, decode_responses=True) as client:
        exercise(client)
        with pytest.raises(valkey.ResponseError, match="value is not an integer"):
            client.incr("key")


def test_redis_py_on_asyncio(engine_server: "EngineProcess") -> None:
    async def talk() -> list[bytes | str | None]:
        async with redis.asyncio.Redis(port=engine_server.port, decode_responses=True) as client:
            await asyncio.gather(*(client.set(f"async:{index}", index) for index in range(100)))
            return [await client.get(f"async:{index}") for index in range(100)]

    assert asyncio.run(talk()) == [str(index) for index in range(100)]


async def exercise_glide(port: int, tls: glide.AdvancedGlideClientConfiguration | None = None) -> None:
    configuration = glide.GlideClientConfiguration(
        [glide.NodeAddress("127.0.0.1", port)], use_tls=tls is not None, request_timeout=5000, advanced_config=tls
    )
    client = await glide.GlideClient.create(configuration)
    try:
        assert await client.set("glide", "value") == "OK"
        assert await client.get("glide") == b"value"
        assert await client.custom_command(["PING"]) == b"PONG"
    finally:
        await client.close()


def test_glide(engine_server: "EngineProcess") -> None:
    asyncio.run(exercise_glide(engine_server.port))


def test_glide_over_tls(start_engine: "StartEngine", certificates: "Certificates") -> None:
    engine = start_engine(*certificates.arguments("server"), tls="required")
    tls = glide.TlsAdvancedConfiguration(root_pem_cacerts=certificates.ca_file.read_bytes())
    asyncio.run(exercise_glide(engine.port, glide.AdvancedGlideClientConfiguration(tls_config=tls)))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_redis_py_and_valkey_py_over_tls(
    start_engine: "StartEngine", certificates: "Certificates", version: ssl.TLSVersion
) -> None:
    engine = start_engine(*certificates.arguments("server"), tls="required")
    for library in (redis.Redis, valkey.Valkey):
        with library(
            port=engine.port,
            ssl=True,
            ssl_ca_certs=str(certificates.ca_file),
            ssl_min_version=version,
            decode_responses=True,
        ) as client:
            exercise(client)


@needs_redis_cli
def test_redis_cli(engine_server: "EngineProcess") -> None:
    def cli(*words: str) -> str:
        command = ["redis-cli", "-p", str(engine_server.port), *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout

    assert cli("SET", "cli", "value") == "OK\n"
    assert cli("GET", "cli") == "value\n"
    assert cli("-3", "GET", "cli") == "value\n"


@needs_redis_cli
def test_redis_cli_over_tls(start_engine: "StartEngine", certificates: "Certificates") -> None:
    engine = start_engine(*certificates.arguments("server"), tls="required")
    command = ["redis-cli", "-p", str(engine.port), "--tls", "--cacert", str(certificates.ca_file), "PING"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout == "PONG\n"


@needs_redis_benchmark
@pytest.mark.parametrize("pipeline", ["1", "16"])
def test_redis_benchmark(engine_server: "EngineProcess", pipeline: str) -> None:
    command = ["redis-benchmark", "-p", str(engine_server.port), "-t", "set,get", "-n", "2000", "-P", pipeline, "--csv"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert [line.split(",")[0] for line in done.stdout.splitlines()] == ['"test"', '"SET"', '"GET"']


@needs_redis_benchmark
def test_redis_benchmark_over_tls(start_engine: "StartEngine", certificates: "Certificates") -> None:
    engine = start_engine(*certificates.arguments("server"), tls="required")
    command = ["redis-benchmark", "-p", str(engine.port), "-t", "get", "-n", "2000", "--csv", "--tls"]
    command += ["--cacert", str(certificates.ca_file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert '"GET"' in done.stdout


def test_a_script_that_never_ends_keeps_no_reply_of_its_turn_from_another_client(start_engine: "StartEngine") -> None:
    engine = start_engine("--busy-reply-threshold", "50", "--enable-debug-command", "yes")
    with (
        engine.connect(timeout=30) as sleeper,
        engine.connect(timeout=30) as other,
        engine.connect(timeout=30) as looping,
    ):
        for sock in (looping, sleeper, other):  # the kernel names the last of these first
            sock.sendall(b"PING\r\n")
            assert sock.recv(100) == b"+PONG\r\n"
        sleeper.sendall(b"DEBUG SLEEP 0.5\r\n")
        other.sendall(b"PING\r\n")  # these two are read in one turn, before or after the sleep
        looping.sendall(b"EVAL 'while true do end' 0\r\n")
        assert sleeper.recv(100) == b"+OK\r\n"
        assert other.recv(100) == b"+PONG\r\n"
        reply = b"-NOTBUSY"
        deadline = time.monotonic() + 30
        while reply.startswith(b"-NOTBUSY"):
            assert time.monotonic() < deadline
            other.sendall(b"SCRIPT KILL\r\n")
            reply = other.recv(100)
        assert reply == b"+OK\r\n"
        assert looping.recv(1000).startswith(b"-ERR Script killed by user")


def test_a_client_that_is_gone_before_it_is_accepted_is_no_error(start_engine: "StartEngine") -> None:
    engine = start_engine("--enable-debug-command", "yes")
    with engine.connect(timeout=30) as sock:
        sock.sendall(b"DEBUG SLEEP 0.5\r\n")
        for _ in range(3):
            with engine.connect() as gone:
                gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # its end is a reset
        assert sock.recv(100) == b"+OK\r\n"
        sock.sendall(b"PING\r\n")
        assert sock.recv(100) == b"+PONG\r\n"
    engine.stop()
    assert not [line for line in engine.log if line.get("level") == "error"]


def test_a_client_that_comes_during_a_script_and_reads_late_gets_all_replies(start_engine: "StartEngine") -> None:
    engine = start_engine("--busy-reply-threshold", "50")
    count = 200_000
    with engine.connect(timeout=30) as looping:
        looping.sendall(b"EVAL 'while true do end' 0\r\n")
        killed = b""
        deadline = time.monotonic() + 30
        while killed != b"+OK\r\n":
            assert time.monotonic() < deadline
            with engine.connect(timeout=30) as late, engine.connect(timeout=30) as killer:
                late.sendall(b"PING\r\n")
                first = late.recv(100)
                if not first.startswith(b"-BUSY"):
                    continue
                sender = threading.Thread(target=late.sendall, args=(b"PING\r\n" * count,))
                sender.start()
                time.sleep(0.2)  # the kernel's buffers are full of replies that nobody reads
                killer.sendall(b"SCRIPT KILL\r\n")
                killed = killer.recv(100)
                lines = 0
                while lines < count:
                    lines += late.recv(1 << 20).count(b"\r\n")
                sender.join()
                assert lines == count
        assert looping.recv(1000).startswith(b"-ERR Script killed by user")
