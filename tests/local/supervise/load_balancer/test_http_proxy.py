"""The load balancer's proxy between real sockets: bodies, keep-alive, headers, WebSockets, and targets that fail."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from cachetwin_local.supervise.http.message import Field
from cachetwin_local.supervise.load_balancer.http_proxy import Frontend, HttpProxy
from cachetwin_local.supervise.load_balancer.response import Response
from cachetwin_local.supervise.load_balancer.routing import Request, codes_match, redirect_location, select_action
from cachetwin_local.supervise.load_balancer.stickiness import session_cookies, session_place
from cachetwin_local.supervise.load_balancer.targets import Targets
from cachetwin_local.topology.values import Endpoint as PlaceOfListener
from cachetwin_local.topology.values import (
    FixedResponse,
    Forward,
    Identity,
    Listener,
    ListenerRule,
    Redirect,
    Stickiness,
    TargetGroup,
    TargetHealthCheck,
    WeightedTarget,
)

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(autouse=True, params=["asyncio", "uvloop"])
def event_loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each test in asyncio's own loop and in uvloop, which the load balancer's process uses where it is installed."""
    if request.param == "uvloop":
        monkeypatch.setattr(asyncio, "run", pytest.importorskip("uvloop").run)


def group() -> TargetGroup:
    identity = Identity("Shop", "Group", "AWS::ElasticLoadBalancingV2::TargetGroup", "", "group", "arn")
    return TargetGroup(identity, "HTTP", 80, (), TargetHealthCheck("HTTP", "/health", None, "200-299", 1, 1, 2, 2))


@asynccontextmanager
async def proxy(
    address: str, *handlers: Handler, healthy: bool = True, sticky: Stickiness | None = None
) -> AsyncIterator[Targets]:
    """A proxy on port 8080 of `address` before a server on another port for each handler."""
    async with contextlib.AsyncExitStack() as stack:
        ports = []
        for handler in handlers:
            server = await stack.enter_async_context(await asyncio.start_server(handler, address, 0))
            ports.append(server.sockets[0].getsockname()[1])
        targets = Targets(replace(group(), stickiness=sticky), tuple((address, port) for port in ports))
        for target in targets._targets:
            target.healthy = healthy
        front = Frontend("HTTP", 8080, lambda _request: targets)
        server = await asyncio.get_running_loop().create_server(lambda: HttpProxy(front), address, 8080)
        async with server:
            try:
                yield targets
            finally:
                for connection in list(front.connections):
                    connection.abort()
                front.pool.close()
                await asyncio.sleep(0.05)  # the handlers see the end of their connections


async def exchange(address: str, *requests: bytes) -> list[bytes]:
    """Send each request on one connection after the former's answer; give the answers, heads and bodies."""
    reader, writer = await asyncio.open_connection(address, 8080)
    found = []
    try:
        for request in requests:
            writer.write(request)
            async with asyncio.timeout(10):
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (
                        int(line.split(b":")[1])
                        for line in head.lower().split(b"\r\n")
                        if line.startswith(b"content-length")
                    ),
                    0,
                )
                found.append(head + await reader.readexactly(length))
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    return found


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers each request with its head and the size of its body."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            size = 0
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    size = int(line.split(b":")[1])
            if b"transfer-encoding: chunked" in head.lower():
                while chunk := int(await reader.readline(), 16):
                    size += len(await reader.readexactly(chunk + 2)) - 2
                await reader.readline()
            else:
                await reader.readexactly(size)
            body = head + f"body: {size}".encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def test_a_target_sees_the_request_with_the_headers_the_service_adds(address: str) -> None:
    async def main() -> None:
        async with proxy(address, echo):
            request = b"GET /a?b=c HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n"
            (answer,) = await exchange(address, request)
            seen = answer.lower()
            assert b"get /a?b=c http/1.1\r\n" in seen
            assert b"host: shop.example\r\n" in seen
            assert (
                b"x-forwarded-for: 1.2.3.4, 127.0.0.1\r\n" in seen
                or f"x-forwarded-for: 1.2.3.4, {address}".encode() in seen
            )
            assert b"x-forwarded-proto: http\r\n" in seen
            assert b"x-forwarded-port: 8080\r\n" in seen
            assert b"x-amzn-trace-id: root=1-" in seen

    asyncio.run(main())


@pytest.mark.parametrize("size", [0, 1, 5_000_000])
def test_bodies_of_any_size_pass_and_the_connection_stays(address: str, size: int) -> None:
    async def main() -> None:
        async with proxy(address, echo):
            sized = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size
            chunked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            chunked += (b"%x\r\n" % size + b"x" * size + b"\r\n" if size else b"") + b"0\r\n\r\n"
            answers = await exchange(address, sized, chunked, sized)
            assert [answer.rpartition(b"body: ")[2] for answer in answers] == [str(size).encode()] * 3

    asyncio.run(main())


def test_healthy_targets_take_turns(address: str) -> None:
    async def named(name: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + name)
        writer.close()

    async def main() -> None:
        async with proxy(address, lambda r, w: named(b"a", r, w), lambda r, w: named(b"b", r, w)):
            request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
            seen = [(await exchange(address, request))[0][-1:] for _ in range(6)]
            assert sorted(seen) == [b"a"] * 3 + [b"b"] * 3

    asyncio.run(main())


async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def talk_nonsense(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"this is no http\r\n\r\n")
    writer.close()


@pytest.mark.parametrize("handler", [hang_up, talk_nonsense])
def test_a_target_that_breaks_off_is_a_502(address: str, handler: Handler) -> None:
    async def main() -> None:
        async with proxy(address, handler):
            (answer,) = await exchange(address, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")

    asyncio.run(main())


def test_no_healthy_target_is_a_503_and_the_connection_goes_on(address: str) -> None:
    async def main() -> None:
        async with proxy(address, echo, healthy=False):
            request = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
            answers = await exchange(address, request, request)
            assert all(answer.startswith(b"HTTP/1.1 503 ") for answer in answers)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("request_", "status"),
    [(b"nonsense\r\n\r\n", b"400"), (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", b"400")],
)
def test_a_client_that_speaks_wrongly_is_told_and_dropped(address: str, request_: bytes, status: bytes) -> None:
    async def main() -> None:
        async with proxy(address, echo):
            (answer,) = await exchange(address, request_)
            assert answer.startswith(b"HTTP/1.1 " + status)

    asyncio.run(main())


def test_a_websocket_is_tunnelled_both_ways(address: str) -> None:
    async def upgrade(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"upgrade: websocket" in head.lower()
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nhello ")
        while data := await reader.read(100):
            writer.write(data.upper())
        writer.close()

    async def main() -> None:
        async with proxy(address, upgrade):
            reader, writer = await asyncio.open_connection(address, 8080)
            writer.write(b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            async with asyncio.timeout(10):
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
                writer.write(b"echo")
                assert await reader.readexactly(10) == b"hello ECHO"
                writer.close()
                await writer.wait_closed()

    asyncio.run(main())


async def send(address: str, data: bytes, *, piece: int = 65_536) -> bytes:
    """Everything the proxy answers to `data`, sent in pieces, until it closes."""
    reader, writer = await asyncio.open_connection(address, 8080)
    try:
        for at in range(0, len(data), piece):
            writer.write(data[at : at + piece])
            await writer.drain()
            if piece < 100:
                await asyncio.sleep(0)
        async with asyncio.timeout(20):
            return await reader.read()
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@pytest.mark.parametrize("piece", [1, 7, 65_536])
def test_requests_in_a_row_are_answered_in_order_however_they_are_cut(address: str, piece: int) -> None:
    async def main() -> None:
        async with proxy(address, echo):
            one = b"POST /one HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
            two = b"POST /two HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"
            last = b"\r\nGET /three HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            seen = await send(address, one + two + last, piece=piece)
            parts = [seen.index(part) for part in (b"/one", b"body: 3", b"/two", b"body: 2", b"/three", b"body: 0")]
            assert parts == sorted(parts)
            assert seen.count(b"HTTP/1.1 200 OK") == 3
            assert b"Connection: close" in seen[parts[3] :]

    asyncio.run(main())


def test_a_client_of_http_1_0_gets_the_chunks_as_one_body_and_the_end(address: str) -> None:
    async def chunked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"GET / HTTP/1.1\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        await reader.read()
        writer.close()

    async def main() -> None:
        async with proxy(address, chunked):
            head, _, body = (await send(address, b"GET / HTTP/1.0\r\n\r\n")).partition(b"\r\n\r\n")
            assert body == b"abcde"
            assert b"transfer-encoding" not in head.lower()

    asyncio.run(main())


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_a_response_without_a_length_ends_with_its_connection(address: str, method: bytes) -> None:
    async def until_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n" + (b"" if method == b"HEAD" else b"some"))
        if method == b"GET":
            await asyncio.sleep(0.05)
            writer.write(b"thing")
        else:
            await reader.read()
        writer.close()

    async def main() -> None:
        async with proxy(address, until_close):
            answer = await send(address, method + b" / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert answer.endswith(b"\r\n\r\n" + (b"" if method == b"HEAD" else b"something"))

    asyncio.run(main())


def test_a_request_is_sent_again_when_the_target_had_closed_the_kept_connection(address: str) -> None:
    connections = 0

    async def one_only(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers one request of each connection, and hangs up on the next one."""
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async def main() -> None:
        async with proxy(address, one_only):
            request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
            answers = await exchange(address, request, request, request)
            assert [answer[-2:] for answer in answers] == [b"ok"] * 3
            assert connections == 3
            for body in (b"x", b""):
                post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body
                posted = await exchange(address, post)
                assert posted[0].startswith(b"HTTP/1.1 502 ")  # it may have had an effect
                await exchange(address, request)  # leaves a connection that is closed at its next use

    asyncio.run(main())


def test_a_large_upload_that_nobody_takes_is_answered_before_the_connection_ends(address: str) -> None:
    async def main() -> None:
        async with proxy(address, echo, healthy=False):
            reader, writer = await asyncio.open_connection(address, 8080)
            writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 1_000_000)
            async with asyncio.timeout(20):
                head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 503 ")
            assert b"Connection: close" in head
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    asyncio.run(main())


def test_a_client_that_does_not_read_holds_the_target_up(address: str) -> None:
    written = 0

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b"x" * 100_000)
                await writer.drain()
                written += 100_000

    async def main() -> None:
        async with proxy(address, pour):
            _reader, writer = await asyncio.open_connection(address, 8080, limit=1)
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            before = -1
            async with asyncio.timeout(20):
                while written != before or not written:
                    before = written
                    await asyncio.sleep(0.5)
            assert written < 50_000_000  # what the kernel holds for four sockets
            writer.transport.abort()
            await asyncio.sleep(0.05)

    asyncio.run(main())


def test_a_client_that_sends_no_more_still_gets_its_answer(address: str) -> None:
    async def main() -> None:
        async with proxy(address, echo):
            reader, writer = await asyncio.open_connection(address, 8080)
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            writer.write_eof()
            async with asyncio.timeout(20):
                assert (await reader.read()).endswith(b"body: 0")
            writer.close()
            await writer.wait_closed()

    asyncio.run(main())


def test_health_is_asked_for_until_it_comes_and_noticed_when_it_goes(address: str) -> None:
    codes = [500, 500, 204, 500, 500]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"GET /health HTTP/1.1\r\n")
        writer.write(b"HTTP/1.1 %d Some\r\nContent-Length: 0\r\n\r\n" % (codes.pop(0) if codes else 500))
        writer.close()

    async def main() -> None:
        async with proxy(address, answer, healthy=False) as targets:
            watch = asyncio.create_task(targets.watch())
            async with asyncio.timeout(20):
                await targets.all_probed()
                assert list(targets.health.values()) == [False]
                for healthy in (True, False):
                    while list(targets.health.values()) != [healthy]:
                        await targets.changed.wait()
                        targets.changed.clear()
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)

    asyncio.run(main())


def request(path: str = "/", host: str = "shop.example", method: str = "GET", **headers: str) -> Request:
    return Request(method, path, host, "127.0.0.1", headers)


def test_rules_are_asked_by_priority_and_every_condition_must_hold() -> None:
    identity = group().identity
    default, images, posts = FixedResponse(404), FixedResponse(200, message_body="images"), FixedResponse(405)
    listener = Listener(
        identity,
        "HTTP",
        PlaceOfListener("127.0.0.1", 8080, 80),
        default,
        (
            ListenerRule(20, (("path-pattern", ("/img/*", "/?.png")),), images),
            ListenerRule(10, (("http-request-method", ("POST",)), ("host-header", ("*.EXAMPLE",))), posts),
            ListenerRule(
                30, (("query-string", ("v=2*",)), ("source-ip", ("127.0.0.0/8",))), Forward((WeightedTarget("g"),))
            ),
        ),
    )
    assert select_action(listener, request("/img/a.png")) is images
    assert select_action(listener, request("/a.png")) is images
    assert select_action(listener, request("/IMG/a.png")) is default
    assert select_action(listener, request("/img/a", method="POST")) is posts
    assert select_action(listener, request("/other", method="POST", host="shop.test")) is default
    assert isinstance(select_action(listener, request("/x?v=23")), Forward)


def test_a_redirect_goes_to_where_the_port_is_here() -> None:
    to_https = Redirect(301, protocol="HTTPS", port="443")
    assert (
        redirect_location(to_https, request("/a?b=1"), "HTTP", 8080, {"443": 8443}) == "https://shop.example:8443/a?b=1"
    )
    assert (
        redirect_location(Redirect(302, path="/new/#{path}"), request("/a"), "HTTP", 8080, {})
        == "http://shop.example:8080/new/a"
    )


@pytest.mark.parametrize(
    ("matcher", "code", "well"), [("200", 200, True), ("200-299,301", 301, True), ("200", 404, False)]
)
def test_a_matcher_holds_codes_and_ranges(matcher: str, code: int, *, well: bool) -> None:
    assert codes_match(matcher, code) is well


@pytest.mark.parametrize(
    ("response", "method", "sent"),
    [
        (Response(204), b"GET", b"HTTP/1.1 204 No Content\r\nServer: awselb/2.0\r\nConnection: close\r\n\r\n"),
        (
            Response(200, (("A", "b\r\nc"),), b"xyz", "Fine"),
            b"HEAD",
            b"HTTP/1.1 200 Fine\r\nServer: awselb/2.0\r\nA: b  c\r\nContent-Length: 3\r\nConnection: close\r\n\r\n",
        ),
    ],
)
def test_an_answer_without_a_target_has_a_body_only_where_it_may(
    response: Response, method: bytes, sent: bytes
) -> None:
    assert response.rendered(method, closes=True) == sent


def saying(name: str, fields: bytes = b"") -> Handler:
    """A target that answers each request with its name."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 OK\r\n%bContent-Length: 1\r\n\r\n" % fields + name.encode())
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    return handle


def asked(cookies: bytes) -> bytes:
    return b"GET / HTTP/1.1\r\nHost: a\r\nCookie: " + cookies + b"\r\n\r\n"


def cookies_set(answer: bytes) -> dict[bytes, bytes]:
    lines = [line for line in answer.split(b"\r\n") if line.startswith(b"Set-Cookie: ")]
    return dict(line.removeprefix(b"Set-Cookie: ").partition(b";")[0].split(b"=", 1) for line in lines)


def test_a_sticky_client_stays_on_its_target_while_that_is_healthy(address: str) -> None:
    async def main() -> None:
        async with proxy(address, saying("a"), saying("b"), sticky=Stickiness(600)) as targets:
            (first,) = await exchange(address, asked(b"x=y"))
            cookie = b"x=y; AWSALB=" + cookies_set(first)[b"AWSALB"]
            assert cookies_set(first)[b"AWSALBCORS"] == cookies_set(first)[b"AWSALB"]
            again = await exchange(address, *[asked(cookie)] * 4)
            assert {answer[-1:] for answer in again} == {first[-1:]}
            only_cors = asked(b"AWSALBCORS=" + cookies_set(again[-1])[b"AWSALBCORS"])
            assert (await exchange(address, only_cors))[0][-1:] == first[-1:]
            assert {answer[-1:] for answer in await exchange(address, *[asked(b"AWSALB=1-x")] * 2)} == {b"a", b"b"}
            targets._targets[0 if first[-1:] == b"a" else 1].healthy = False
            (moved,) = await exchange(address, asked(cookie))
            assert moved[-1:] != first[-1:]
            for target in targets._targets:
                target.healthy = True
            there = asked(b"AWSALB=" + cookies_set(moved)[b"AWSALB"])
            assert {answer[-1:] for answer in await exchange(address, *[there] * 3)} == {moved[-1:]}

    asyncio.run(main())


def test_an_applications_cookie_makes_a_client_sticky_once_a_target_has_set_it(address: str) -> None:
    async def main() -> None:
        signs_in = saying("a", b"Set-Cookie: app=1; Path=/\r\n")
        async with proxy(address, signs_in, saying("b"), sticky=Stickiness(600, "app")) as targets:
            answers = await exchange(address, *[asked(b"x=y")] * 2)
            by_name = {answer[-1:]: cookies_set(answer) for answer in answers}
            assert (set(by_name[b"b"]), set(by_name[b"a"])) == (set(), {b"app", b"AWSALBAPP-0"})
            own = b"AWSALBAPP-0=" + by_name[b"a"][b"AWSALBAPP-0"]
            both = await exchange(address, *[asked(own + b"; app=1")] * 3)
            assert {answer[-1:] for answer in both} == {b"a"}
            assert {answer[-1:] for answer in await exchange(address, *[asked(own)] * 2)} == {b"a", b"b"}
            targets._targets[0].healthy = False
            (moved,) = await exchange(address, asked(own + b"; app=1"))
            assert (moved[-1:], set(cookies_set(moved))) == (b"b", {b"AWSALBAPP-0"})

    asyncio.run(main())


def test_a_cookie_counts_for_its_group_and_its_time() -> None:
    sticky, place = replace(group(), stickiness=Stickiness(60)), ("127.0.0.1", 80)
    plain, cors = session_cookies(sticky, place, (), (), 1000, secure=True)
    assert plain.endswith(b"; Expires=Thu, 08 Jan 1970 00:16:40 GMT; Path=/")
    assert cors.endswith(b"; Path=/; SameSite=None; Secure")
    sent = (Field(b"cookie", plain.removeprefix(b"Set-Cookie: ").partition(b";")[0], b""),)
    assert session_place(sticky, [place], sent, 1060) == place
    assert session_place(sticky, [place], sent, 1061) is None
    assert session_place(sticky, [("127.0.0.1", 81)], sent, 1000) is None
    other = replace(sticky, identity=replace(sticky.identity, arn="other"))
    assert session_place(other, [place], sent, 1000) is None
    assert session_place(group(), [place], sent, 1000) is None
    assert not list(session_cookies(group(), place, sent, (), 1000, secure=True))
