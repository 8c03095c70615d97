"""An API in this process, with a function behind it that the test writes."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx

from cachetwin_local.supervise.api.authorization.signature import Caller
from cachetwin_local.supervise.api.server import HttpApiServer
from cachetwin_local.supervise.api.settings import HttpApiSettings
from cachetwin_local.supervise.function.sockets import listen_for_calls
from cachetwin_local.supervise.http.server import HttpConnection, HttpRequest, HttpResponse, HttpSettings
from cachetwin_local.supervise.process.sockets import listen
from cachetwin_local.topology.http_apis import ApiIntegration, ApiRoute, ApiStage, HttpApi
from cachetwin_local.topology.identity import Endpoint, Identity

TO = ApiIntegration("App/Greet", arn="arn:aws:lambda:us-east-1:1:function:greet:live")
Answer = Callable[[Any], tuple[int, dict[str, str], object]]
Use = Callable[[httpx.AsyncClient], Awaitable[None]]


def named(logical_id: str) -> Identity:
    return Identity("App", logical_id, "AWS::Test", f"App/{logical_id}", logical_id.lower(), "")


def an_api(address: str, *routes: ApiRoute, **changes: Any) -> HttpApi:  # noqa: ANN401  (fields of many types)
    stages = (ApiStage("$default"),)
    return replace(
        HttpApi(named("Api"), "Shop", "api.invalid", Endpoint(address, 8080, 443), routes, stages), **changes
    )


def serve(api: HttpApi, folder: Path, function: Answer, use: Use, callers: tuple[Caller, ...] = ()) -> None:
    """Run the API with `function` behind it, which is asked for the status, fields and document of each event."""

    async def handle(request: HttpRequest) -> HttpResponse:
        assert unquote(request.path).startswith("/2015-03-31/functions/arn:aws:lambda:")
        status, headers, document = function(json.loads(request.body))
        return HttpResponse(status, tuple(headers.items()), json.dumps(document).encode())

    async def main() -> None:
        loop = asyncio.get_running_loop()
        settings = HttpSettings(handle, 10_000_000, HttpResponse(413))
        listener = listen_for_calls(folder / "fn.sock")
        functions = await loop.create_unix_server(lambda: HttpConnection(settings), sock=listener)
        sock = listen(api.endpoint.address, api.endpoint.port, "the API")
        sockets = {"App/Greet": str(folder / "fn.sock")}
        server = HttpApiServer(HttpApiSettings(api, "1", sock.detach(), sockets, callers))
        await server.start()
        try:
            async with httpx.AsyncClient(base_url=f"http://{api.endpoint.address}:8080", timeout=20) as client:
                await use(client)
        finally:
            await server.stop()
            functions.close()
            for connection in list(settings.connections):
                connection.abort()

    asyncio.run(main())


def echo(event: Any) -> tuple[int, dict[str, str], object]:  # noqa: ANN401
    return 200, {}, event
