"""What runs in the process of the endpoint: the check of who calls and what the role may do, and moto behind it.

There are two sockets. The one at the address of the endpoint takes requests that are signed with the credentials of a
function or a service. The private one, a unix socket, takes the runner's own requests, unsigned; ``POST /settings`` there
brings the settings anew when the app has changed.
"""

import asyncio
import http.client
import json
import pickle
import secrets
import socket
import sys
import time
import traceback
from collections import Counter
from typing import Any, Final
from urllib.parse import unquote

from cachetwin_local.identity.deliveries import Sender, kind_of
from cachetwin_local.identity.directory import Principal
from cachetwin_local.supervise.api.authorization.signature import InvalidSignature, read_signature
from cachetwin_local.supervise.data_plane.program import Report
from cachetwin_local.supervise.http.message import ProtocolError
from cachetwin_local.supervise.http.server import HttpConnection, HttpRequest, HttpResponse, HttpSettings

from .access.authorization import Authorization, session_arn
from .access.names import ResourceNames
from .event_delivery import EventDelivery
from .events.targets import Delivery, NotDelivered
from .forwarding import forward
from .functions import INVOKE_PREFIX, Functions
from .measurements import Measurements
from .moto_backend import MotoBackend
from .protocol.calls import ApiCall, protocol_of, read_call
from .protocol.errors import ApiError, not_authenticated, response_of
from .protocol.monitoring import from_json, in_json
from .protocol.services import Service, service_of
from .seeds.seeder import Api
from .seeds.seeding import Seeding
from .settings import SCHEDULES_VERSION, AwsApiSettings
from .task_runner import TaskRunner

__all__ = ["AwsApiServer"]

_BODY_MAX: Final = 128 * 1024 * 1024
_IDLE_S: Final = 600.0
_LOAD_AFTER_S: Final = 5.0  # the start of the app comes first
_CHANGES_SCHEDULES: Final = {
    "events": ("PutRule", "DeleteRule", "EnableRule", "DisableRule"),
    "scheduler": ("POST", "PUT", "DELETE"),
}
_LAMBDA: Final = Service("lambda", "lambda", "rest-json")
_ECS: Final = Service("ecs", "ecs", "json", "AmazonEC2ContainerServiceV20141113")
_NOT_OF_MOTO: Final = {"lambda": _LAMBDA, "ecs": _ECS}
_PASSED_TO_FUNCTIONS: Final = ("x-amz-invocation-type", "x-amz-client-context", "x-amz-log-type", "content-type")
_PASSED_BACK: Final = ("x-amz-function-error", "x-amz-log-result", "x-amz-executed-version", "x-amzn-errortype")


class AwsApiServer:
    """The endpoint."""

    def __init__(self, settings: AwsApiSettings) -> None:
        self.changed = asyncio.Event()
        self._settings = settings
        self._moto = MotoBackend(settings.address)
        self._measurements = Measurements(self._moto, settings.account)
        self._seeding = Seeding(_write)
        self._authorization = Authorization(ResourceNames(self._moto, settings.account).find)
        self._authorization.set_callers(settings.callers)
        self._counts: Counter[str] = Counter()
        self._functions = Functions(settings.functions, settings.account)
        self._tasks = TaskRunner(settings.control)
        self._delivery = EventDelivery(self._moto, self._functions, self._tasks, _write)
        self._schedules_version = 0
        too_large = response_of(ApiError("RequestEntityTooLarge", f"at most {_BODY_MAX} bytes", 413), "rest-json")
        self._public = HttpSettings(self._handle, _BODY_MAX, too_large, _IDLE_S)
        self._private = HttpSettings(self._handle_own, _BODY_MAX, too_large, _IDLE_S)
        self._servers: list[asyncio.Server] = []
        self._loading = asyncio.Event()

    async def start(self) -> None:
        """Listen, and begin to load moto; requests wait for it."""
        loop = asyncio.get_running_loop()
        self._delivery.begin(self._settings)
        if self._settings.eager:
            self._load()
        else:
            loop.call_later(_LOAD_AFTER_S, self._load)
        public, private = (
            socket.socket(fileno=descriptor)
            for descriptor in (self._settings.descriptor, self._settings.private_descriptor)
        )
        self._servers.append(await loop.create_unix_server(lambda: HttpConnection(self._private), sock=private))
        self._servers.append(await loop.create_server(lambda: HttpConnection(self._public), sock=public))

    async def run(self) -> None:
        """Fail when moto cannot be loaded, so that the supervisor says so and tries again."""
        await self._loading.wait()
        await self._moto.loaded()
        _write(f"[cachetwin] answers at http://{self._settings.address}")
        await self._delivery.become(self._settings)
        self._schedules_changed()
        await asyncio.Event().wait()

    async def stop(self) -> None:
        """Accept nothing more."""
        for server in self._servers:
            server.close()
        for connection in [*self._public.connections, *self._private.connections]:
            connection.abort()
        await self._delivery.close()
        await self._functions.close()
        self._moto.close()

    def report(self) -> Report:
        """Calls, refused ones and failed ones since the last report."""
        counts, self._counts = self._counts, Counter()
        return Report(counts, {SCHEDULES_VERSION: self._schedules_version} if self._schedules_version else {})

    def _schedules_changed(self) -> None:
        """Let the runner, whose clock counts, ask when something is due."""
        self._schedules_version = time.time_ns()
        self.changed.set()

    def _load(self) -> None:
        self._moto.load(self._seed)
        self._loading.set()

    def _seed(self) -> None:
        self._seeding.become(Api(self._moto, self._settings.account, self._settings.region), self._settings.seeds)

    async def _handle_own(self, request: HttpRequest) -> HttpResponse:
        """A request of the runner: new settings, or a call that needs no permission."""
        self._load()
        if request.path == "/ready":
            await self._moto.loaded()
            return HttpResponse(200)
        if request.path == "/schedules":
            await self._moto.loaded()
            next_ms = self._delivery.run_due(int(request.body))
            return HttpResponse(200, (), str(next_ms).encode())
        if request.path == "/deliver":
            return await self._deliver(json.loads(request.body))
        if request.path == "/measurements":
            return HttpResponse(200, (), await self._moto.run(lambda: self._measurements.exchange(request.body)))
        if request.path == "/settings":
            self._settings = pickle.loads(request.body)  # noqa: S301  (only this user can open the socket)
            self._authorization.set_callers(self._settings.callers)
            self._functions.sockets = self._settings.functions
            await self._moto.run(self._seed)
            await self._delivery.become(self._settings)
            self._schedules_changed()
            return HttpResponse(200)
        try:
            signature = read_signature(request)
        except InvalidSignature as error:
            return response_of(not_authenticated(error, "json"), "json")
        service = service_of(signature.service, request.header("x-amz-target") or "")
        if service is None:
            return response_of(ApiError("UnknownService", signature.service, 404), "json")
        return await self._moto.answer(service, request, self._settings.account)

    async def _deliver(self, document: dict[str, Any]) -> HttpResponse:
        """What a function's process delivers with the function's role: the end of an asynchronous invocation."""
        await self._moto.loaded()
        sender = Sender("", document["source"], document["role"])
        attributes = {
            name: {"DataType": "String", "StringValue": value} for name, value in document["attributes"].items()
        }
        event = None
        if kind_of(document["arn"]) == "events":
            event = self._delivery.end_of_invocation(document["source"], json.loads(document["payload"]))
        delivery = Delivery(document["arn"], document["payload"], sender, event=event, attributes=attributes)
        try:
            await self._delivery.targets.send(delivery)
        except NotDelivered as error:
            return HttpResponse(409, (), str(error).encode())
        return HttpResponse(200)

    async def _handle(self, request: HttpRequest) -> HttpResponse:
        self._load()
        service, protocol = None, protocol_of(request, None)
        try:
            signature = read_signature(request)
            target = request.header("x-amz-target") or ""
            service = _NOT_OF_MOTO.get(signature.service) or service_of(signature.service, target)
            protocol = protocol_of(request, service)
            principal = self._authorization.caller(request, signature)
            if service is _LAMBDA:
                return await self._invoke(request, principal, signature.region)
            if service is _ECS:
                return await self._run_tasks(request, principal, signature.region)
            if service is None:
                return await self._elsewhere(request, signature.service)
            return await self._answer(request, service, principal, signature.region)
        except InvalidSignature as error:
            return self._refused(request, not_authenticated(error, protocol), service)
        except ApiError as error:
            return self._refused(request, error, service)
        except ValueError as error:
            return self._refused(request, ApiError("SerializationException", str(error)), service)
        except Exception as error:  # noqa: BLE001  (moto's errors are of many classes; the caller gets the service's form)
            sys.stderr.write(traceback.format_exc())
            self._counts["5xx"] += 1
            return response_of(ApiError("InternalFailure", f"{type(error).__name__}: {error}", 500), protocol)

    def _refused(self, request: HttpRequest, error: ApiError, service: Service | None) -> HttpResponse:
        named = service.module if service is not None else "unknown"
        _write(f"[cachetwin] {named} refused a request: {error.code}: {error.message}")
        self._counts["4xx"] += 1
        return response_of(error, protocol_of(request, service))

    async def _answer(self, request: HttpRequest, service: Service, principal: Principal, region: str) -> HttpResponse:
        await self._moto.loaded()
        call = read_call(request, service, region)
        self._authorization.check(principal, call, request)
        self._counts["Calls"] += 1
        if service.module == "sts" and call.operation == "GetCallerIdentity":
            return _identity(principal)
        account = principal.role_arn.split(":")[4]
        if call.protocol == "cbor":
            return from_json(await self._moto.answer(service, in_json(request, call), account))
        response = await self._moto.answer(service, request, account)
        if call.operation in _CHANGES_SCHEDULES.get(service.module, ()):
            self._schedules_changed()
        if response.status == 200:
            self._measurements.count(call)
        return response

    async def _elsewhere(self, request: HttpRequest, service: str) -> HttpResponse:
        """A service that does not run here: the other emulator's, where there is one."""
        url = self._settings.forward_to
        if url is None:
            raise ApiError(
                "NotImplemented",
                f"{service} does not run here: `cachetwin up --aws-endpoint URL` sends its requests to another emulator",
                501,
            )
        try:
            return await forward(request, url)
        except (OSError, http.client.HTTPException) as error:
            raise ApiError(
                "ServiceUnavailable", f"{url}, which {service} is sent to, does not answer: {error}", 503
            ) from error

    async def _invoke(self, request: HttpRequest, principal: Principal, region: str) -> HttpResponse:
        """Lambda's Invoke, answered by the function itself. Other calls of Lambda's do not run here."""
        rest = request.path.removeprefix(INVOKE_PREFIX)
        name, slash, what = rest.partition("/")
        if not request.path.startswith(INVOKE_PREFIX) or slash == "" or what != "invocations":
            return await self._elsewhere(request, "lambda")
        wanted, socket_path = self._functions.find(unquote(name), region)
        call = ApiCall(_LAMBDA, region, "InvokeFunction", {"FunctionArn": wanted}, "rest-json")
        self._authorization.check(principal, call, request)
        if socket_path is None:
            raise ApiError("ResourceNotFoundException", f"Function not found: {wanted}", 404)
        self._counts["Calls"] += 1
        headers = {name: value for name in _PASSED_TO_FUNCTIONS if (value := request.header(name)) is not None}
        query = f"?{request.query}" if request.query else ""
        try:
            reply = await self._functions.invoke(wanted, socket_path, headers, request.body, query)
        except (OSError, EOFError, ProtocolError, TimeoutError) as error:
            raise ApiError("ServiceException", f"{wanted} did not answer: {error}", 500) from error
        kept = [(name, value) for name in _PASSED_BACK if (value := reply.header(name)) is not None]
        return HttpResponse(reply.status, (("Content-Type", "application/json"), *kept), reply.body)

    async def _run_tasks(self, request: HttpRequest, principal: Principal, region: str) -> HttpResponse:
        """ECS's calls about tasks that no service has. Other calls of ECS's do not run here."""
        call = read_call(request, _ECS, region)
        if call.operation not in {"RunTask", "DescribeTasks", "ListTasks", "StopTask"}:
            return await self._elsewhere(request, "ecs")
        self._authorization.check(principal, call, request)
        self._counts["Calls"] += 1
        try:
            answer = await self._tasks.answer(call.operation, call.parameters)
        except (OSError, EOFError, ValueError, TimeoutError) as error:
            raise ApiError("ServerException", f"the runner did not answer: {error}", 500) from error
        return HttpResponse(200, (("Content-Type", "application/x-amz-json-1.1"),), json.dumps(answer).encode())


def _identity(principal: Principal) -> HttpResponse:
    """STS's answer to who calls: the session of the role."""
    role = principal.role_arn
    text = (
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
        f"<Arn>{session_arn(principal)}</Arn><UserId>AROA{role.rpartition('/')[2].upper()[:16]}:"
        f"{principal.name.rpartition('/')[2]}</UserId><Account>{role.split(':')[4]}</Account></GetCallerIdentityResult>"
        f"<ResponseMetadata><RequestId>{secrets.token_hex(16)}</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    )
    return HttpResponse(200, (("Content-Type", "text/xml"),), text.encode())


def _write(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
