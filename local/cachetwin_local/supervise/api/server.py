"""What runs in the process of an HTTP or REST API: its stages, their routes, and the functions behind them."""

import asyncio
import json
import secrets
import socket
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from cachetwin_local.supervise.data_plane.program import Report
from cachetwin_local.supervise.http.server import HttpConnection, HttpRequest, HttpResponse, HttpSettings
from cachetwin_local.topology.http_apis import ApiIntegration, ApiRoute, ApiStage

from .access_log import access_log_line
from .authorization.authorizers import Authorizers, Denied
from .authorization.identity_sources import missing_parameters
from .cors import cors_headers, is_preflight, preflight_response
from .dialect import Failure, dialect_of
from .functions import FunctionCaller, FunctionFailed
from .http_event import EventContext, InvalidResult, event_1_0, event_2_0, response_of, rest_event
from .http_proxy import forward
from .rest.gateway_responses import GatewayResponses
from .rest.integrations import MappedIntegrations
from .rest.mapping import MappingFailed
from .rest.models import Models
from .rest.template_values import template_values
from .rest.usage import Usage
from .routes import RouteMatch, RouteTable
from .settings import HttpApiSettings
from .throttle import TokenBucket, bucket_of

__all__ = ["HttpApiServer"]

_BODY_MAX: Final = 10 * 1024 * 1024  # API Gateway quotas: payload size
_DRAIN_S: Final = 3.0
_DRAIN_POLL_S: Final = 0.02
_DEFAULT: Final = "$default"


@dataclass(frozen=True, slots=True)
class _Exchange:
    """A request under way: its id, when it came, the stage that answers it, and the route if there is one."""

    request: HttpRequest
    request_id: str
    began_s: float
    stage: ApiStage
    match: RouteMatch | None


class HttpApiServer:
    """One HTTP or REST API."""

    def __init__(self, settings: HttpApiSettings) -> None:
        self.changed = asyncio.Event()
        self._settings = settings
        self._api = settings.api
        self._dialect = dialect_of(settings.api.kind)
        self._routes = RouteTable(settings.api.routes)
        self._stages = {stage.name: stage for stage in settings.api.stages}
        self._buckets: dict[tuple[str, str], TokenBucket] = {}
        self._functions = FunctionCaller(settings.functions)
        self._mapped = MappedIntegrations(self._functions, settings.aws_url, settings.roles)
        self._own_answers = GatewayResponses(settings.api.gateway_responses, self._dialect)
        self._usage = Usage(settings.api.api_keys, settings.api.usage_plans)
        self._models = Models(settings.api.models)
        self._authorizers = Authorizers(self._functions, settings.callers)
        self._counts: Counter[str] = Counter()
        self._http = HttpSettings(self._handle, _BODY_MAX, self._dialect.answer("too large"))
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen at the API's address."""
        sock = socket.socket(fileno=self._settings.descriptor)
        self._server = await asyncio.get_running_loop().create_server(lambda: HttpConnection(self._http), sock=sock)

    async def run(self) -> None:
        """There is no background work."""
        await asyncio.Event().wait()

    async def stop(self) -> None:
        """Accept nothing more, and let requests end within a moment."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._http.connections):
            connection.drain()
        end_s = time.monotonic() + _DRAIN_S
        while self._http.connections and time.monotonic() < end_s:
            await asyncio.sleep(_DRAIN_POLL_S)
        for connection in list(self._http.connections):
            connection.abort()
        await self._functions.close()

    def update(self, settings: object) -> None:
        """Take the clock of the app, which has moved; whatever else changes needs another process."""
        if isinstance(settings, HttpApiSettings):
            self._settings = settings

    def report(self) -> Report:
        """Requests since the last report, by CloudWatch's names."""
        counts, self._counts = self._counts, Counter()
        return Report(counts)

    async def _handle(self, request: HttpRequest) -> HttpResponse:
        began_s, request_id = time.time(), secrets.token_urlsafe(11)
        stage, path = self._stage(request.path)
        cors = self._api.cors
        if stage is None:
            return _with_id(self._dialect.answer("no stage"), request_id)
        if cors is not None and is_preflight(request):
            return _with_id(preflight_response(cors, request), request_id)
        exchange = _Exchange(request, request_id, began_s, stage, self._routes.match(request.method, path))
        response, error = await self._answer(exchange)
        if cors is not None:
            extra = cors_headers(cors, request)
            kept = tuple(h for h in response.headers if not h[0].lower().startswith("access-control-"))
            response = HttpResponse(response.status, (*kept, *extra), response.body)
        self._counted(response.status)
        self._log(exchange, response, error)
        return _with_id(response, request_id)

    def _stage(self, path: str) -> tuple[ApiStage | None, str]:
        """The stage that answers a path, and the path below it."""
        first, _, rest = path.lstrip("/").partition("/")
        named = self._stages.get(first)
        if named is not None and first != _DEFAULT:
            return named, f"/{rest}"
        return self._stages.get(_DEFAULT), path

    async def _answer(self, exchange: "_Exchange") -> tuple[HttpResponse, str]:
        """The response, and the error of the integration if there was one."""
        match, request = exchange.match, exchange.request
        if match is None:
            return self._own(exchange, "no route"), ""
        if not self._admits(exchange.stage, match):
            return self._own(exchange, "throttled"), ""
        refused = self._refusal(exchange, match)
        if refused is not None:
            return refused
        context = self._context(exchange, match)
        try:
            authorizer = await self._authorizers.authorize(match.route, request, context)
        except Denied as denied:
            return self._own(exchange, denied.failure), denied.reason
        if authorizer is not None:
            context = replace(context, authorizer=authorizer)
        try:
            return await self._integrate(match.route.integration, request, context), ""
        except FunctionFailed as failed:
            return self._own(exchange, failed.failure), failed.reason
        except MappingFailed as failed:
            return self._own(exchange, failed.failure, failed.text), failed.reason
        except InvalidResult as invalid:
            return self._own(exchange, "failed"), str(invalid)

    def _own(self, exchange: "_Exchange", failure: Failure, text: str | None = None) -> HttpResponse:
        """An answer of the API itself."""
        if not self._api.gateway_responses:
            return self._own_answers.answer(failure, text, None, None)
        match = exchange.match or RouteMatch(ApiRoute("", ApiIntegration(None)), {})
        values = template_values(exchange.request, self._context(exchange, match))
        return self._own_answers.answer(failure, text, values, exchange.request.header("accept"))

    async def _integrate(
        self, integration: ApiIntegration, request: HttpRequest, context: EventContext
    ) -> HttpResponse:
        if integration.mapping is not None:
            return await self._mapped.answer(integration, integration.mapping, request, context)
        if integration.function is None:
            return await forward(integration, request, context)
        make = event_2_0 if integration.payload_format == "2.0" else event_1_0
        event = make(request, context)
        if self._api.kind == "REST":
            event = rest_event(event, context)
        payload = json.dumps(event, ensure_ascii=False).encode("utf-8", "surrogatepass")
        result = await self._functions.call(
            integration.function, integration.arn, payload, integration.timeout_s, context.trace_id
        )
        return response_of(result, integration.payload_format)

    def _refusal(self, exchange: "_Exchange", match: RouteMatch) -> tuple[HttpResponse, str] | None:
        """The answer to a request without the API key, the parameters or the body that its method asks for."""
        route, request = match.route, exchange.request
        if route.api_key_required:
            failure = self._usage.refusal(
                request.header("x-api-key"), exchange.stage.name, route.route_key, self._now(), time.monotonic()
            )
            if failure is not None:
                return self._own(exchange, failure), ""
        missing = missing_parameters(route.required_parameters, request)
        if missing:
            text = f"Missing required request parameters: [{', '.join(missing)}]"
            return self._own(exchange, "bad parameters", text), ""
        problem = self._models.problem(route.body_models, request) if route.body_models else None
        return (self._own(exchange, "bad body"), problem) if problem is not None else None

    def _now(self) -> datetime:
        """The time of the app's clock."""
        return datetime.fromtimestamp(time.time() + self._settings.ahead_ms / 1000, UTC)

    def _admits(self, stage: ApiStage, match: RouteMatch) -> bool:
        """Whether the throttle of the route, or else that of the stage, lets a request through."""
        key = match.route.route_key
        own = stage.routes.get(key)
        name = (stage.name, key if own is not None else "")
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = bucket_of(own or stage.throttle)
        return bucket.take(time.monotonic())

    def _context(self, exchange: "_Exchange", match: RouteMatch) -> EventContext:
        request, route = exchange.request, match.route
        trace = request.header("x-amzn-trace-id") or f"Root=1-{int(exchange.began_s):08x}-{secrets.token_hex(12)}"
        return EventContext(
            request_id=exchange.request_id,
            now_s=exchange.began_s,
            account=self._settings.account,
            api_id=self._api.identity.physical_name,
            domain=request.header("host") or self._api.host,
            stage=exchange.stage.name,
            route_key=route.route_key,
            path=request.path,
            trace_id=trace,
            path_parameters=match.path_parameters,
            stage_variables=exchange.stage.variables,
            resource=route.route_key.partition(" ")[2] or route.route_key,
            operation_name=route.operation_name,
            region=self._api.identity.region or "us-east-1",
            api_key_id=self._usage.key_id(request.header("x-api-key")),
        )

    def _counted(self, status: int) -> None:
        self._counts["Count"] += 1
        if 400 <= status < 500:
            self._counts["4xx"] += 1
        elif status >= 500:
            self._counts["5xx"] += 1

    def _log(self, exchange: "_Exchange", response: HttpResponse, error: str) -> None:
        """Write the line of the access log, and what failed where there is none."""
        template, request = exchange.stage.access_log_format, exchange.request
        if template:
            values = {**self._values(exchange, response, error), **_identity_values(request)}
            sys.stdout.write(access_log_line(template, values) + "\n")
        elif error:
            sys.stdout.write(f"[cachetwin] {request.method} {request.path}: {response.status}, {error}\n")

    def _values(self, exchange: "_Exchange", response: HttpResponse, error: str) -> dict[str, str]:
        """The values of the access log's variables."""
        latency_ms = str(int(1000 * (time.time() - exchange.began_s)))
        began = datetime.fromtimestamp(exchange.began_s, UTC)
        return {
            "requestId": exchange.request_id,
            "extendedRequestId": exchange.request_id,
            "requestTime": began.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "requestTimeEpoch": str(int(1000 * exchange.began_s)),
            "routeKey": exchange.match.route.route_key if exchange.match else "",
            "stage": exchange.stage.name,
            "status": str(response.status),
            "responseLength": str(len(response.body)),
            "responseLatency": latency_ms,
            "integrationLatency": latency_ms,
            **dict.fromkeys(("integrationErrorMessage", "integration.error", "error.message"), error),
            "apiId": self._api.identity.physical_name,
            "accountId": self._settings.account,
        }


def _identity_values(request: HttpRequest) -> dict[str, str]:
    return {
        "httpMethod": request.method,
        "path": request.path,
        "protocol": f"HTTP/1.{request.minor}",
        "identity.sourceIp": request.source_ip,
        "identity.userAgent": request.header("user-agent") or "",
        "domainName": request.header("host") or "",
    }


def _with_id(response: HttpResponse, request_id: str) -> HttpResponse:
    return HttpResponse(response.status, (*response.headers, ("Apigw-Requestid", request_id)), response.body)
