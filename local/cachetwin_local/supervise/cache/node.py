"""A replication group's primary: one `cachetwin_engine` process behind sockets that stay the supervisor's.

The node starts without users, parameters or endpoints and receives them over its control channel. So no password is in
a command line, an environment or a file, and a restarted node gets the same listening sockets: clients see a dropped
connection, never another address.
"""

import asyncio
import socket
import ssl
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.background import BackgroundTasks
from cachetwin_local.supervise.cache.control_channel import ControlChannel
from cachetwin_local.supervise.health import HealthWatch
from cachetwin_local.supervise.process.child import Child, Command
from cachetwin_local.supervise.process.python_environment import python_environment
from cachetwin_local.supervise.process.sockets import listen
from cachetwin_local.supervise.project.key_pair import KeyPair
from cachetwin_local.supervise.project.run_context import RunContext, slug
from cachetwin_local.supervise.restarter import Restarter, wait_until_running
from cachetwin_local.topology.values import Endpoint, ReplicationGroup

__all__ = ["CacheActor"]

_START_DEADLINE_S = 20.0
_STOP_DEADLINE_S = 10.0
_PING_S = 5.0
_SHUTDOWN_REQUEST_S = 2.0


class CacheActor:
    """One replication group: its primary here, its primary and reader endpoints.

    `program` is the engine's command line up to its options; the installed engine unless a test gives another.
    """

    kind = "cache"

    def __init__(
        self, run_context: RunContext, group: ReplicationGroup, program: tuple[str, ...] | None = None
    ) -> None:
        self.name = group.identity.key
        self.depends_on: frozenset[str] = frozenset()
        self._run_context = run_context
        self._group = group
        self._program = program or (sys.executable, "-m", "cachetwin_engine")
        self._listeners: dict[str, tuple[Endpoint, socket.socket]] = {}
        self._channel: ControlChannel | None = None
        self._pair: KeyPair | None = None
        primary = next(node for node in group.nodes if node.runs_here)
        self._child_name = f"{self.name}/{primary.member_id}"
        self._maxmemory_bytes = primary.maxmemory_bytes
        self._tasks = BackgroundTasks(run_context, self.name, self.kind)
        self._restarter = Restarter(
            run_context, self.name, self.kind, self._child_name, self._start_process, stop_deadline_s=_STOP_DEADLINE_S
        )

    @property
    def detail(self) -> str:
        """The engine's profile."""
        return self._group.profile

    def open(self) -> None:
        """Open the endpoints' listening sockets."""
        endpoints = {"primary": self._group.primary_endpoint, "reader": self._group.reader_endpoint}
        for name, endpoint in endpoints.items():
            if name == "reader" and _same(endpoint, self._group.primary_endpoint):
                continue
            sock = listen(endpoint.address, endpoint.port, f"{self.name} ({name} endpoint)")
            self._listeners[name] = (endpoint, sock)

    async def prepare(self) -> None:
        """Issue a certificate for all endpoints."""
        endpoints = [endpoint for endpoint, _sock in self._listeners.values()]
        addresses = list(dict.fromkeys(endpoint.address for endpoint in endpoints))
        names = [name for endpoint in endpoints for name in endpoint.names]
        self._pair = self._run_context.local_ca.issue(slug(self.name), addresses, names)

    async def start(self) -> None:
        """Return when every endpoint answers a PING (or asks for a password), over TLS where it is on."""
        await self._restarter.start()
        watch = HealthWatch(self._run_context, self.name, self.kind, self._ping_endpoints)
        self._tasks.start("checking the health", watch.watch)

    async def stop(self) -> None:
        """Shut the node down, then close the listening sockets."""
        await self._tasks.stop()
        if self._channel is not None:
            with suppress(OSError, UserError, TimeoutError):
                async with asyncio.timeout(_SHUTDOWN_REQUEST_S):
                    await self._channel.ask("shutdown")
        await self._restarter.stop()
        self._close_channel()
        while self._listeners:
            self._listeners.popitem()[1][1].close()

    async def info(self) -> str:
        """The node's INFO."""
        if self._channel is None:
            return ""
        return str((await self._channel.ask("info"))["info"])

    async def _start_process(self) -> Child:
        self._close_channel()
        channel = ControlChannel()
        descriptor = channel.inherited.fileno()
        words = (
            "--profile",
            self._group.profile,
            "--elasticache",
            "--control-fd",
            str(descriptor),
            "--log-format",
            "json",
        )
        command = Command(
            argv=(*self._program, *words),
            cwd=self._run_context.data_directory(self.name),
            environment=python_environment(),
            pass_fds=(descriptor,),
        )
        child = await self._run_context.start_child(self._child_name, command, self.name)
        self._channel = channel
        configuring = asyncio.create_task(self._configure(channel))
        try:
            await wait_until_running(
                self._run_context, self.name, child, lambda: _finished(configuring), _START_DEADLINE_S
            )
        finally:
            configuring.cancel()
            await asyncio.gather(configuring, return_exceptions=True)
        return child

    async def _configure(self, channel: ControlChannel) -> None:
        """Send a new node its users, parameters and endpoints, then check that each endpoint answers."""
        await channel.opened()
        parameters = {**self._group.parameters, "maxmemory": str(self._maxmemory_bytes)}
        await channel.ask("parameters", parameters=parameters)
        await channel.ask("users", users=self._users())
        if self._pair is not None:
            certificate, key = str(self._pair.certificate_file), str(self._pair.key_file)
            ca_file = str(self._run_context.local_ca.certificate_file)
            await channel.ask("tls", certificate_file=certificate, key_file=key, ca_file=ca_file)
        for name, (endpoint, sock) in self._listeners.items():
            await channel.ask("listen", descriptor=sock.fileno(), name=name, tls=endpoint.tls)
        async with asyncio.timeout(_PING_S):
            await self._ping_endpoints()

    async def _ping_endpoints(self) -> None:
        """Return when every endpoint answers a PING. Raises OSError for another answer."""
        context = self._run_context.local_ca.trusting_context()
        for endpoint, _sock in self._listeners.values():
            await _ping(endpoint, context if endpoint.tls != "off" else None)

    def _users(self) -> list[dict[str, object]]:
        text = self._run_context.secrets.text
        if not self._group.users:
            token = self._group.auth_token
            kind = "no-password-required" if token is None else "password"
            passwords = [] if token is None else [text(token)]
            return [_user("default", "on ~* &* +@all", kind, passwords)]
        return [
            _user(user.user_name, user.access_string, user.authentication_type, [text(p) for p in user.passwords])
            for user in self._group.users
        ]

    def _close_channel(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None


async def _finished(task: asyncio.Task[Any]) -> bool:
    """Whether `task` is done. Raises its failure, unless the node has exited (then the exit code says more)."""
    if not task.done():
        return False
    try:
        task.result()
    except ConnectionError:
        return False
    except (OSError, TimeoutError) as error:
        raise UserError(
            f"a cache node started but its endpoint does not answer: {error or 'no answer in time'}"
        ) from error
    return True


async def _ping(endpoint: Endpoint, context: ssl.SSLContext | None) -> None:
    reader, writer = await asyncio.open_connection(endpoint.address, endpoint.port, ssl=context)
    try:
        writer.write(b"PING\r\n")
        answer = await reader.readline()
        if not answer.startswith((b"+PONG", b"-NOAUTH")):
            raise OSError(f"PING was answered by {answer!r}")
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def _user(name: str, access_string: str, authentication: str, passwords: Iterable[str]) -> dict[str, object]:
    return {
        "user_name": name,
        "access_string": access_string,
        "authentication": authentication,
        "passwords": list(passwords),
    }


def _same(one: Endpoint, other: Endpoint) -> bool:
    return (one.address, one.port) == (other.address, other.port)
