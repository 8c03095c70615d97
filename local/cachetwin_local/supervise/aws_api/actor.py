"""The endpoint of AWS's APIs: its sockets, its process, and the delivery of logs to it."""

import contextlib
import json
import os
import pickle
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.background import BackgroundTasks
from cachetwin_local.supervise.data_plane.process import DataPlaneProcess
from cachetwin_local.supervise.data_plane.program import Report
from cachetwin_local.supervise.function.sockets import function_socket, listen_for_calls
from cachetwin_local.supervise.http.client import HttpClient
from cachetwin_local.supervise.http.message import ProtocolError
from cachetwin_local.supervise.process.sockets import listen
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.supervise.project.secret_store import SecretStore
from cachetwin_local.supervise.project.socket_directory import socket_directory
from cachetwin_local.topology.aws_api import AWS_API, AwsApi
from cachetwin_local.topology.principals import principals_of_roles
from cachetwin_local.topology.values import Topology

from .client import AwsClient
from .delivery import LogDelivery, log_streams
from .schedules_on_clock import SchedulesOnClock
from .settings import SCHEDULES_VERSION, AwsApiSettings, Seed

__all__ = ["AwsApiActor", "aws_environment", "private_socket"]

_PROGRAM = "cachetwin_local.supervise.aws_api"
_SETTINGS_S = 60.0
_LOADED_S = 20.0
_SECRET = "AWS::SecretsManager::Secret"  # noqa: S105  (a CloudFormation type)


def private_socket(directory: Path) -> Path:
    """The unix socket on which the runner itself calls the endpoint of the project whose ``.cachetwin`` is `directory`."""
    return socket_directory(directory) / "aws.sock"


def aws_environment(run_context: RunContext, api: AwsApi | None, principal: str) -> dict[str, str]:
    """The variables that let AWS's SDKs in a function or a service find this endpoint, and nothing else.

    `principal` is its key. Files of the user that name accounts on AWS are out of its reach.
    """
    credentials = run_context.identities.environment(principal)
    if api is None:
        return credentials
    return {
        **credentials,
        "AWS_ENDPOINT_URL": api.url,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


class AwsApiActor:
    """The endpoint. It is ready when it listens; the requests of the first seconds wait for moto."""

    kind = "AWS APIs"

    def __init__(self, run_context: RunContext, api: AwsApi, topology: Topology) -> None:
        self.name = AWS_API
        self.depends_on = frozenset[str]()
        self._run_context = run_context
        self._api = api
        self._topology = topology
        self._public: socket.socket | None = None
        self._private: socket.socket | None = None
        self._client = AwsClient(private_socket(run_context.directory), topology.region)
        self._process = DataPlaneProcess(
            run_context, self.name, self.kind, "moto", program=_PROGRAM, on_report=self._take
        )
        self._tasks = BackgroundTasks(run_context, self.name, self.kind)
        self._schedules = SchedulesOnClock(run_context, self.name, self._run_due)

    @property
    def detail(self) -> str:
        """Its address."""
        forwarded = f"; other services: {self._api.forward_to}" if self._api.forward_to else ""
        return f"{self._api.url}{forwarded}"

    def open(self) -> None:
        """Open its address, and the socket for the runner itself."""
        endpoint = self._api.endpoint
        self._public = listen(endpoint.address, endpoint.port, "the endpoint of AWS's APIs")
        self._private = listen_for_calls(private_socket(self._run_context.directory))

    async def prepare(self) -> None:
        """Start the process."""
        await self._process.prepare([sock for sock in (self._public, self._private) if sock is not None])

    async def start(self) -> None:
        """Return when it listens; where there are functions, whose time is short, when it answers."""
        await self._process.start(self._settings(self._topology, self._api))
        if self._topology.functions:
            with contextlib.suppress(UserError):  # slow here: their first calls wait
                await self._post("/ready", b"", _LOADED_S)
        delivery = LogDelivery(self._run_context.logs, self._client, log_streams(self._topology))
        self._tasks.start("delivering logs", delivery.run)

    async def become(self, api: AwsApi, topology: Topology) -> bool:
        """Give the running process what has changed in the app; what calls have made stays. False where it must restart."""
        if (api.endpoint, topology.account) != (self._api.endpoint, self._topology.account):
            return False
        self._api, self._topology = api, topology
        settings = self._settings(topology, api)
        self._process.settings = settings  # for the next start of the process
        await self._post("/settings", pickle.dumps(settings), _SETTINGS_S)
        await self._tasks.stop_one("delivering logs")
        delivery = LogDelivery(self._run_context.logs, self._client, log_streams(topology))
        self._tasks.start("delivering logs", delivery.run)
        return True

    async def _run_due(self, now_ms: int) -> int:
        return int(await self._post("/schedules", str(now_ms).encode(), _SETTINGS_S))

    async def _post(self, path: str, body: bytes, timeout_s: float) -> bytes:
        """The answer of the process to something of the runner's own. Raises UserError."""
        client = HttpClient(str(private_socket(self._run_context.directory)))
        try:
            reply = await client.post(path, {}, body, timeout_s)
            if reply.status != 200:
                raise UserError(f"the endpoint of AWS's APIs failed: {reply.body.decode(errors='replace')}")
            return reply.body
        except (OSError, EOFError, ProtocolError, TimeoutError) as error:
            raise UserError(f"the endpoint of AWS's APIs did not answer: {error or 'too slow'}") from error
        finally:
            await client.close()

    async def stop(self) -> None:
        """Stop the process, then close the sockets."""
        await self._schedules.stop()
        await self._tasks.stop()
        await self._client.close()
        for sock in (self._public, self._private):
            if sock is not None:
                sock.close()
        await self._process.stop()
        private_socket(self._run_context.directory).unlink(missing_ok=True)

    def _settings(self, topology: Topology, api: AwsApi) -> AwsApiSettings:
        if self._public is None or self._private is None:
            raise RuntimeError("open comes first")
        directory = self._run_context.directory
        return AwsApiSettings(
            account=topology.account,
            region=topology.region,
            address=f"{api.endpoint.address}:{api.endpoint.port}",
            descriptor=self._public.fileno(),
            private_descriptor=self._private.fileno(),
            callers=tuple(self._run_context.identities.all()),
            seeds=tuple(_seeds(topology, api, self._run_context.secrets)),
            functions={
                one.identity.arn: str(function_socket(directory, one.identity.key)) for one in topology.functions
            },
            function_roles={one.identity.arn: one.role for one in topology.functions},
            roles=principals_of_roles(topology.roles),
            grants=topology.grants,
            forward_to=api.forward_to,
            control=str(socket_directory(directory) / "control.sock"),
            eager=bool(topology.functions),
        )

    def _take(self, report: Report) -> None:
        self._schedules.take_version(report.levels.pop(SCHEDULES_VERSION, 0))
        self._run_context.metrics.add(self.name, report.counts, report.levels)


def _seeds(topology: Topology, api: AwsApi, secrets: SecretStore) -> list[Seed]:
    """What the endpoint has from its start: the resources of the templates, and the secrets with their values."""
    found = []
    for resource in api.resources:
        identity = resource.identity
        properties = _plain(resource.properties, secrets)
        found.append(
            Seed(
                identity.type, identity.key, identity.physical_name, identity.arn, dict(identity.attributes), properties
            )
        )
    for secret in topology.secrets:
        value = {"SecretString": secrets.secret_string(secret)}
        found.append(Seed(_SECRET, secret.identity.key, secret.name, secret.identity.arn, {}, value))
    return found


def _plain(value: Any, secrets: SecretStore) -> Any:  # noqa: ANN401  (a template's JSON)
    """JSON without references to secrets: with their values."""
    if isinstance(value, tuple):
        return secrets.text(value)
    if isinstance(value, Mapping):
        return {name: _plain(inner, secrets) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner, secrets) for inner in value]
    return json.loads(json.dumps(value))
