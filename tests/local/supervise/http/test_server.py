"""The small HTTP server of functions and APIs, and its client, over real sockets."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from cachetwin_local.supervise.function.sockets import listen_for_calls
from cachetwin_local.supervise.http.client import HttpClient
from cachetwin_local.supervise.http.server import HttpConnection, HttpRequest, HttpResponse, HttpSettings

DEADLINE_S = 20
Use = Callable[[str, HttpSettings], Awaitable[None]]


async def echo(request: HttpRequest) -> HttpResponse:
    if request.path == "/fail":
        raise RuntimeError("a bug")
    if request.path == "/slow":
        await asyncio.sleep(0.2)
    if request.path == "/large":
        return HttpResponse(200, (), b"x" * 4_000_000)
    if request.path == "/split":
        return HttpResponse(200, (("X: a\r\nEvil", "b"), ("X-Value", "a\r\nEvil: b\0")))
    told = {"method": request.method, "path": request.path, "body": request.body.decode()}
    return HttpResponse(200, (("Content-Type", "application/json"),), json.dumps(told).encode())


def serve(folder: Path, use: Use, idle_s: float = 60) -> None:
    async def main() -> None:
        path = folder / "http.sock"
        settings = HttpSettings(echo, 1000, HttpResponse(413, (), b"too large"), idle_s)
        server = await asyncio.get_running_loop().create_unix_server(
            lambda: HttpConnection(settings), sock=listen_for_calls(path)
        )
        try:
            async with asyncio.timeout(DEADLINE_S):
                await use(str(path), settings)
        finally:
            server.close()
            for connection in list(settings.connections):
                connection.abort()

    asyncio.run(main())


async def exchange(path: str, *parts: bytes) -> bytes:
    """What the server sends, until it closes, for bytes that arrive in these parts."""
    reader, writer = await asyncio.open_unix_connection(path)
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(0)
    received = await reader.read()
    writer.close()
    return received


CHUNKED = (
    b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
)


def test_a_request_may_arrive_byte_by_byte_and_in_chunks(tmp_path: Path) -> None:
    async def use(path: str, _settings: HttpSettings) -> None:
        for parts in ([CHUNKED], [CHUNKED[i : i + 1] for i in range(len(CHUNKED))]):
            received = await exchange(path, *parts)
            head, _, body = received.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"Connection: close" in head
            assert json.loads(body) == {"method": "POST", "path": "/a", "body": "abcde"}

    serve(tmp_path, use)


def test_pipelined_requests_are_answered_in_their_order(tmp_path: Path) -> None:
    async def use(path: str, _settings: HttpSettings) -> None:
        first = b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"
        last = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        received = await exchange(path, first + last)
        assert received.index(b'"/slow"') < received.index(b'"/last"')

    serve(tmp_path, use)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"y" * 70_000 + b"\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n" + b"y" * 2000, b"413"),
        (b"GET /fail HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"500"),
    ],
)
def test_what_cannot_be_served_is_answered_and_closed(tmp_path: Path, request_: bytes, status: bytes) -> None:
    async def use(path: str, _settings: HttpSettings) -> None:
        assert (await exchange(path, request_)).startswith(b"HTTP/1.1 " + status)

    serve(tmp_path, use)


def test_a_silent_connection_is_closed(tmp_path: Path) -> None:
    async def use(path: str, settings: HttpSettings) -> None:
        assert await exchange(path, b"GET / HT") == b""
        assert not settings.connections

    serve(tmp_path, use, idle_s=0.2)


def test_a_client_that_does_not_read_is_served_one_answer(tmp_path: Path) -> None:
    async def use(path: str, settings: HttpSettings) -> None:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n" * 8)
        await exchange(path, b"GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")  # time for all eight
        transports = [one._transport for one in settings.connections]
        assert max(one.get_write_buffer_size() for one in transports if one is not None) <= 4_001_000
        received = 0
        while received < 8 * 4_000_000:
            received += len(await reader.read(1_000_000))
        writer.close()

    serve(tmp_path, use)


def test_a_client_that_reads_nothing_at_all_loses_its_connection(tmp_path: Path) -> None:
    async def use(path: str, settings: HttpSettings) -> None:
        _reader, writer = await asyncio.open_unix_connection(path, limit=1000)
        writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        await exchange(path, b"GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        while settings.connections:
            await asyncio.sleep(0.01)
        writer.close()

    serve(tmp_path, use, idle_s=0.3)


def test_a_field_cannot_end_the_head_of_a_response(tmp_path: Path) -> None:
    async def use(path: str, _settings: HttpSettings) -> None:
        received = await exchange(path, b"GET /split HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b"\r\nX-Value: a  Evil: b \r\n" in received
        assert b"\nEvil" not in received

    serve(tmp_path, use)


def test_the_client_keeps_its_connection_and_replaces_one_that_was_closed(tmp_path: Path) -> None:
    async def use(path: str, settings: HttpSettings) -> None:
        client = HttpClient(path)
        for _ in range(3):
            assert json.loads((await client.post("/a", {}, b"x", 10)).body)["body"] == "x"
        assert len(settings.connections) == 1
        for connection in list(settings.connections):
            connection.drain()
        while settings.connections:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)  # the client's end hears of it
        assert (await client.post("/a", {}, b"y", 10)).status == 200
        await client.close()

    serve(tmp_path, use)
