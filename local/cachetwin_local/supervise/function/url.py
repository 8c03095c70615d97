"""A function's URL: HTTP requests as events in payload format 2.0."""

import json
import re
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Final

from cachetwin_local.supervise.api.authorization.signature import InvalidSignature, signed_by
from cachetwin_local.supervise.api.cors import cors_headers, is_preflight, preflight_response
from cachetwin_local.supervise.api.http_event import EventContext, InvalidResult, event_2_0, response_of
from cachetwin_local.supervise.http.server import HttpRequest, HttpResponse, HttpSettings

from .invocation import PAYLOAD_MAX, Result, Throttled
from .settings import FunctionSettings

__all__ = ["FunctionUrlFront"]

_JSON: Final = (("Content-Type", "application/json"),)
_Invoke = Callable[[bytes, str, str], Awaitable[Result]]


class FunctionUrlFront:
    """Answers at a function's URL; `settings` are for its connections."""

    def __init__(self, settings: FunctionSettings, invoke: _Invoke) -> None:
        self._function = settings.function
        self._account = settings.account
        self._callers = settings.callers
        self._invoke = invoke
        self.settings = HttpSettings(self._handle, PAYLOAD_MAX, _message(413, "Request Entity Too Large"))

    async def _handle(self, request: HttpRequest) -> HttpResponse:
        url = self._function.url
        if url is None:
            return _message(404, "Not Found")
        if url.cors is not None and is_preflight(request):
            return preflight_response(url.cors, request)
        response = await self._answer(request)
        extra = cors_headers(url.cors, request) if url.cors is not None else ()
        kept = tuple(h for h in response.headers if not (extra and h[0].lower().startswith("access-control-")))
        return HttpResponse(response.status, (*kept, *extra), response.body)

    def _admits(self, request: HttpRequest) -> bool:
        """Whether somebody has signed the request whose role's policies let it call."""
        identity = self._function.identity
        try:
            principal, _credentials = signed_by(request, self._callers, identity.region, "lambda", time.time())
        except InvalidSignature:
            return False
        context = {"lambda:FunctionUrlAuthType": "AWS_IAM"}
        return principal.may("lambda:InvokeFunctionUrl", identity.arn, context).allowed

    async def _answer(self, request: HttpRequest) -> HttpResponse:
        url = self._function.url
        if url is None or (url.auth_type == "AWS_IAM" and not self._admits(request)):
            return _message(403, "Forbidden")
        request_id = str(uuid.uuid4())
        url_id = re.sub(r"[^a-z0-9]", "", url.identity.logical_id.lower())
        context = EventContext(
            request_id=request_id,
            now_s=time.time(),
            account="anonymous",
            api_id=url_id,
            domain=f"{url_id}.lambda-url.{self._function.identity.region}.on.aws",
            stage="$default",
            route_key="$default",
            path=request.path,
        )
        payload = json.dumps(event_2_0(request, context)).encode()
        try:
            result = await self._invoke(payload, url.qualifier or "", request.header("x-amzn-trace-id") or "")
        except Throttled:
            return _message(429, "Rate Exceeded.")
        if result.failed:
            return HttpResponse(502, _JSON, b"Internal Server Error")
        try:
            return response_of(result.payload, "2.0")
        except InvalidResult:
            return HttpResponse(502, _JSON, b"Internal Server Error")


def _message(status: int, text: str) -> HttpResponse:
    return HttpResponse(status, _JSON, json.dumps({"Message": text}).encode())
