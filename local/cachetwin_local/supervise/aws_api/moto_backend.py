"""moto: the state of the services, and what answers their calls. Its import takes seconds, so it is a thread's.

moto is called as its server calls it, by the paths that each of its services lists, but in this process and without its
server: a request of ours is made into one of moto's. What moto would read in another way than the check of permissions
did (the host, the region, the operation) is written anew. Its calls may take long (a queue that is waited at), so each
runs in a thread of its own.
"""

import asyncio
import importlib
import json
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from cachetwin_local.supervise.http.server import HttpRequest, HttpResponse

from .protocol.services import Service

__all__ = ["CallFailed", "MotoBackend"]

_THREADS_MAX: Final = 64
_NOT_FORWARDED: Final = frozenset(
    {"content-length", "transfer-encoding", "connection", "x-moto-account-id", "expect", "host", "user-agent"}
)
_UNANSWERED: Final = frozenset({"content-length", "connection", "status", "transfer-encoding"})


class CallFailed(Exception):
    """An error that a service answered to a call of ours; `code` is its name for it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class MotoBackend:
    """moto in this process. Nothing but `load` may be called before it has loaded.

    `on_import` is called with the name of each service when it is used for the first time, in a thread.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        self._threads = ThreadPoolExecutor(_THREADS_MAX, "aws")
        self._loaded: asyncio.Future[None] | None = None
        self._request_class: Any = None
        self._http_exception: type[Exception] = Exception
        self._paths: dict[str, list[tuple[re.Pattern[str], Callable[..., Any]]]] = {}
        self._imported: set[str] = set()
        self.on_import: Callable[[str], None] = lambda _module: None

    def load(self, then: Callable[[], None]) -> None:
        """Begin to import moto in the background; `then` runs in the same thread, before the first call."""
        if self._loaded is None:
            loop, thread = (
                asyncio.get_running_loop(),
                ThreadPoolExecutor(1, "moto"),
            )
            self._loaded = asyncio.ensure_future(loop.run_in_executor(thread, self._load, then))
            thread.shutdown(wait=False)

    async def loaded(self) -> None:
        """Wait until moto is there. Raises what the import or the first resources raised."""
        if self._loaded is None:
            raise RuntimeError("load was not called")
        await asyncio.shield(self._loaded)

    async def run(self, work: Callable[[], Any]) -> Any:  # noqa: ANN401  (what the work gives)
        """Run work on moto's state in a thread."""
        await self.loaded()
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def answer(self, service: Service, request: HttpRequest, account: str) -> HttpResponse:
        """The service's answer to a request."""
        await self.loaded()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._answer, service, request, account)

    def close(self) -> None:
        """Take nothing more; calls that wait go on until the process ends."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def call(self, service: Service, operation: str, parameters: Mapping[str, Any], region: str, account: str) -> Any:  # noqa: ANN401  (a service's JSON)
        """A call of ours, in a thread; for services that speak JSON. Raises CallFailed."""
        headers = {
            "host": self._host,
            "x-amz-target": f"{service.target}.{operation}",
            "content-type": f"application/x-amz-json-{service.version}",
            "authorization": authorization(service, region),
        }
        status, _headers, body = self._handle(
            service,
            "POST",
            "/",
            headers=headers,
            body=json.dumps(parameters, default=str).encode(),
            account=account,
        )
        content = json.loads(body) if body.strip() else {}
        if status >= 400:
            code = str(content.get("__type", status)).rpartition("#")[2]
            raise CallFailed(code, str(content.get("message", content.get("Message", ""))))
        return content

    def backend(self, module: str, region: str, account: str) -> Any:  # noqa: ANN401  (moto's own class)
        """moto's state of a service, for what its API cannot set."""
        import moto.backends  # noqa: PLC0415  (slow: only in the thread that loads)

        self._import(module)

        return moto.backends.get_backend(module)[account][region]  # type: ignore[call-overload]

    def every_backend(self, module: str, account: str) -> list[Any]:
        """moto's state of a service in each region in which there is something of it."""
        import moto.backends  # noqa: PLC0415

        self._import(module)
        found = moto.backends.get_backend(module)[account]  # type: ignore[call-overload]
        return [backend for _region, backend in list(found.items())]

    def has(self, module: str) -> bool:
        """Whether a service has been used."""
        return module in self._imported

    def _import(self, module: str) -> None:
        if module not in self._imported:
            importlib.import_module(f"moto.{module}.models")
            self._imported.add(module)
            self.on_import(module)

    def _load(self, then: Callable[[], None]) -> None:
        from moto.core.request import Request  # noqa: PLC0415
        from werkzeug.exceptions import HTTPException  # noqa: PLC0415

        class ServedRequest(Request):
            """A request that came to a server; moto leaves such ones' answers as they are."""

            from_wsgi_server = True

        self._request_class, self._http_exception = ServedRequest, HTTPException
        then()  # which imports the services that the app has; others come with their first call

    def _service(self, service: Service) -> list[tuple[re.Pattern[str], Callable[..., Any]]]:
        module = service.module
        if module not in self._paths:
            self._import(module)
            urls = importlib.import_module(f"moto.{module}.urls")
            found = [(re.compile(path.format("")), handler) for path, handler in urls.url_paths.items()]
            self._paths[module] = found
        return self._paths[module]

    def _answer(self, service: Service, request: HttpRequest, account: str) -> HttpResponse:
        headers = {f.name.decode("latin-1"): f.value.decode("latin-1") for f in request.fields}
        status, fields, body = self._handle(
            service, request.method, request.target, headers=headers, body=request.body, account=account
        )
        kept = [(name, str(value)) for name, value in fields.items() if name.lower() not in _UNANSWERED]
        return HttpResponse(status, tuple(kept), body)

    def _handle(
        self, service: Service, method: str, target: str, *, headers: Mapping[str, str], body: bytes, account: str
    ) -> tuple[int, Mapping[str, Any], bytes]:
        sent = {name: value for name, value in headers.items() if name.lower() not in _NOT_FORWARDED}
        sent |= {"host": self._host, "x-moto-account-id": account}
        if any(name.lower() == "x-amz-target" for name in sent) and service.target:
            # moto looks for an Action in the query, and without a query in the body, before it looks at the target
            target = "/?cachetwin=1"
            sent = {name: value for name, value in sent.items() if name.lower() != "content-type"}
            sent["content-type"] = f"application/x-amz-json-{service.version}"
        request = self._request_class.from_primitives(method, f"http://{self._host}{target}", sent, body)
        request.environ["RAW_URI"] = target
        path = request.raw_path
        handler = next((found for pattern, found in self._service(service) if pattern.match(path)), None)
        if handler is None:
            return 404, {"Content-Type": "text/plain"}, f"no such path: {path}".encode()
        try:
            status, fields, content = handler(request, request.raw_url, request.headers)
        except self._http_exception as error:
            status, fields, content = error.code, dict(error.get_headers()), error.get_body()  # type: ignore[attr-defined]
        return int(status), fields, content.encode() if isinstance(content, str) else bytes(content or b"")


def authorization(service: Service, region: str) -> str:
    """What an Authorization field says of service and region, as far as moto reads it; it is no signature."""
    name = "monitoring" if service.module == "cloudwatch" else service.prefix
    scope = f"20260101/{region}/{name}/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential=cachetwin/{scope}, SignedHeaders=host, Signature={'0' * 64}"
