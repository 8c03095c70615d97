"""Requests that an API passes on to another server."""

import asyncio
from dataclasses import replace

import pytest

from cachetwin_local.supervise.api.functions import FunctionFailed
from cachetwin_local.supervise.api.http_event import EventContext
from cachetwin_local.supervise.api.http_proxy import forward
from cachetwin_local.supervise.http.message import Field
from cachetwin_local.supervise.http.server import HttpConnection, HttpRequest, HttpResponse, HttpSettings
from cachetwin_local.topology.http_apis import ApiIntegration

CONTEXT = EventContext("id", 0.0, "1", "abc", "api.invalid", "$default", "GET /{proxy+}", "/")


def forwarded(pattern: str, query: str = "", **parameters: str) -> HttpResponse:
    """The answer of a server that says which target it was asked for."""

    async def handle(request: HttpRequest) -> HttpResponse:
        return HttpResponse(103 if request.path == "/early" else 200, (), request.target.encode())

    async def main() -> HttpResponse:
        settings = HttpSettings(handle, 1000, HttpResponse(413))
        server = await asyncio.get_running_loop().create_server(lambda: HttpConnection(settings), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        integration = ApiIntegration(None, uri=f"http://127.0.0.1:{port}{pattern}", timeout_s=10)
        request = HttpRequest("GET", f"/?{query}", (Field(b"host", b"x", b""),), b"", "127.0.0.1")
        try:
            return await forward(integration, request, replace(CONTEXT, path_parameters=parameters))
        finally:
            server.close()
            for connection in list(settings.connections):
                connection.abort()

    return asyncio.run(main())


def test_a_variable_of_the_path_stays_in_the_path() -> None:
    assert forwarded("/store/{id}?kind=a", "b=c", id="1?admin=1#x y\r\né").body == (
        b"/store/1%3Fadmin=1%23x%20y%0D%0A%C3%A9?kind=a&b=c"
    )
    assert forwarded("/{proxy}", proxy="a/b:c").body == b"/a/b:c"


def test_an_answer_that_is_only_the_announcement_of_one_is_none() -> None:
    with pytest.raises(FunctionFailed, match="only 103"):
        forwarded("/early")
