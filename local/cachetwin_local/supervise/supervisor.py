"""Runs a topology: opens every port, prepares everything at once, starts each actor when what it depends on is ready,
and stops them in the reverse order.

The whole is one asyncio program. A first signal (or `cachetwin down`) stops in order, each child with its deadline; a
second one kills what is left. Whatever ends the run, no child outlives it: the register of children is emptied last.
"""

import asyncio
import os
import signal
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.actor import Actor
from cachetwin_local.supervise.actors import become, make_actors
from cachetwin_local.supervise.background import BackgroundTasks
from cachetwin_local.supervise.cache.cache import CacheActor
from cachetwin_local.supervise.cache.global_datastores import GlobalDatastores
from cachetwin_local.supervise.cache.memcached import MemcachedActor
from cachetwin_local.supervise.cache.operations import LONG_OPERATIONS, OPERATIONS, CacheOperations
from cachetwin_local.supervise.changes import ResourceChange, resource_changes
from cachetwin_local.supervise.control.addresses import AddressOperations
from cachetwin_local.supervise.control.clock import ClockOperations
from cachetwin_local.supervise.control.server import ControlServer, Document
from cachetwin_local.supervise.control.status import outputs, paths
from cachetwin_local.supervise.debugging.operations import DebuggerOperations
from cachetwin_local.supervise.endpoints import endpoint_rows
from cachetwin_local.supervise.events import Event, Failed, Ready, ResourceState, State, Stopped
from cachetwin_local.supervise.function.function import FunctionActor
from cachetwin_local.supervise.monitoring.rounds import Monitoring
from cachetwin_local.supervise.order import dependencies, dependents, first_cause, in_order
from cachetwin_local.supervise.postgres.server import PostgresActor
from cachetwin_local.supervise.process.limits import raise_open_files_limit
from cachetwin_local.supervise.process.private_file import make_project_directory
from cachetwin_local.supervise.project.local_ca import LocalCA
from cachetwin_local.supervise.project.logs import Logs
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.supervise.project.secret_store import SecretStore
from cachetwin_local.supervise.project.socket_directory import socket_directory
from cachetwin_local.supervise.project.state import RunState, StateFile
from cachetwin_local.supervise.reconcile import Specification, difference, specifications
from cachetwin_local.supervise.reload import FolderChange, Reloading
from cachetwin_local.supervise.rotation import RotationOperations
from cachetwin_local.supervise.service.operations import SERVICE_OPERATIONS, ServiceOperations
from cachetwin_local.supervise.service.service import ServiceActor
from cachetwin_local.topology.host_names import host_names
from cachetwin_local.topology.principals import principals_of
from cachetwin_local.topology.values import Topology

__all__ = ["Supervisor"]

_RETRY_FIRST_S = 5.0
_RETRY_MAX_S = 60.0
_WATCH = "watch"
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Supervisor:
    """One run of `topology` for the project whose ``.cachetwin`` is `directory` and whose ``cdk.out`` is `assembly`.

    `on_event` gets every event. `on_note` gets a line about what a killed run left behind. `start_deadline_s` bounds
    the start. `plan_again` makes the plan anew, for `apply`; it runs in a thread. `watch` runs from when everything is
    ready.
    """

    def __init__(
        self,
        directory: Path,
        assembly: Path,
        topology: Topology,
        on_event: Callable[[Event], None],
        on_note: Callable[[str], None] = lambda _line: None,
        *,
        start_deadline_s: float | None = None,
        plan_again: Callable[[], Topology] | None = None,
        watch: Callable[["Supervisor"], Awaitable[None]] | None = None,
    ) -> None:
        self._plan_again = plan_again
        self._watch = watch
        self._all_started = False
        self._running: dict[str, Specification] = {}
        self._changed: frozenset[str] = frozenset()
        self._changing = asyncio.Lock()
        self._applying: asyncio.Task[list[str]] | None = None
        self._retrying: asyncio.Task[None] | None = None
        self._start_deadline_s = start_deadline_s
        self._topology = topology
        self._on_event = on_event
        self._on_note = on_note
        self._directory = make_project_directory(directory)
        self._state_file = StateFile(self._directory)
        self._states: dict[str, ResourceState] = {}
        self._stopping = asyncio.Event()
        self._signals = 0
        self._killing: list[asyncio.Task[None]] = []
        self._began = time.monotonic()
        secrets = SecretStore(self._directory / "secrets.json")
        self.logs = Logs(self._directory / "logs", on_note)
        self._run_context = RunContext(
            directory=self._directory,
            assembly=assembly,
            secrets=secrets,
            local_ca=LocalCA(self._directory / "ca", topology.project),
            logs=self.logs,
            publish=self._publish,
            children_changed=lambda _children: self._write_state(),
        )
        control_socket = socket_directory(self._directory) / "control.sock"
        self._regions = GlobalDatastores(self._run_context, self._caches, lambda: self._topology.global_datastores)
        operations = CacheOperations(self._caches, self._memcached_clusters, self._regions)
        rotation = RotationOperations(self._run_context, self._caches)
        clock = ClockOperations(
            self._run_context, self._caches, self._memcached_clusters, self._databases, lambda: self._all_started
        )
        addresses = AddressOperations(self._run_context, lambda: self._topology)
        self._control = ControlServer(
            control_socket,
            self.logs,
            self._run_context.service_events,
            status=self.status,
            stop=self.request_stop,
            operations={
                **dict.fromkeys(OPERATIONS, operations.perform),
                **dict.fromkeys(SERVICE_OPERATIONS, ServiceOperations(self._services).perform),
                "apply": self.apply,
                "attach": DebuggerOperations(self._debugged).perform,
                "changes": self.changes,
                "clock": clock.perform,
                "host-names": addresses.host_names,
                "rotate": rotation.perform,
                "variables": addresses.variables,
            },
            long_operations=dict.fromkeys(LONG_OPERATIONS, operations.perform),
        )
        self._actors: list[Actor] = []
        self._monitoring = Monitoring(
            self._run_context, lambda: self._topology, self._services, self._caches, self._memcached_clusters
        )
        self._watching = BackgroundTasks(self._run_context, _WATCH, _WATCH)
        self._clockwork = BackgroundTasks(self._run_context, "clock", "clock")

    async def run(self) -> bool:
        """Start everything, run until asked to stop, stop everything. Returns whether the start succeeded.

        Raises UserError when another supervisor runs; every other failure of the start is an event.
        """
        left_behind = self._state_file.acquire()
        if left_behind:
            self._on_note(left_behind)
        try:
            too_few = raise_open_files_limit()
            if too_few:
                self._on_note(too_few)
            asyncio.get_running_loop().set_exception_handler(self._log_exception)
            self._catch_signals()
            self._write_state()
            await self._control.start()
            return await self._run()
        finally:
            await self._control.close()
            self._state_file.release()
            self.logs.close()

    def request_stop(self) -> None:
        """Begin to stop; a second call kills the remaining children."""
        self._signals += 1
        self._stopping.set()
        if self._signals > 1:
            self._killing = [asyncio.create_task(child.kill()) for child in self._run_context.children.values()]

    def status(self) -> Document:
        """The content of `cachetwin status`, as JSON."""
        return {
            "running": True,
            "pid": os.getpid(),
            "project": self._topology.project,
            "stacks": list(self._topology.stacks),
            "up_s": round(time.monotonic() - self._began, 1),
            "resources": [asdict(state) for state in self._states.values()],
            "parts": [asdict(part) for part in self._run_context.parts.all()],
            "metrics": self._run_context.metrics.all(),
            "nodes": [
                *(row for cache in self._caches() for row in cache.nodes()),
                *(row for cluster in self._memcached_clusters() for row in cluster.rows()),
            ],
            "global_datastores": self._regions.rows(),
            "tasks": [row for service in self._services() for row in service.rows()],
            "paths": paths(self._topology),
            "endpoints": [asdict(row) for row in endpoint_rows(self._topology, self._run_context.secrets)],
            "outputs": outputs(self._topology),
            **self._monitoring.rows(),
        }

    async def apply(self, _request: Document) -> Document:
        """Plan anew, and make what runs like the plan. What fails to start is tried again until it runs."""
        if not self._all_started or self._changing.locked():
            return {"error": "the start, or another change, is under way: try again when everything is ready"}
        try:
            return {"done": await self.apply_change()}
        except UserError as error:
            return {"error": str(error)}

    async def changes(self, _request: Document) -> Document:
        """What `apply` would do: a line for each resource under ``changes``, and those that lose data under ``lost``."""
        if not self._all_started:
            return {"error": "the start is under way: try again when everything is ready"}
        try:
            found = await self._coming_changes()
        except UserError as error:
            return {"error": str(error)}
        return {
            "changes": [f"{change.name}: {change.line}" for change in found],
            "lost": [change.name for change in found if change.loses_data],
        }

    async def would_lose(self) -> list[str]:
        """The resources whose data `apply_change` would lose. Raises UserError when the app cannot be planned."""
        return [change.name for change in await self._coming_changes() if change.loses_data]

    async def _coming_changes(self) -> list[ResourceChange]:
        if self._plan_again is None:
            raise UserError("what runs here cannot be planned anew")
        topology = await asyncio.to_thread(self._plan_again)
        return resource_changes(self._running, specifications(topology))

    async def apply_change(self) -> str:
        """As `apply`, after a change that is under way. Returns a sentence. Raises UserError when something fails."""
        if self._plan_again is None:
            raise UserError("what runs here cannot be planned anew")
        async with self._changing:
            before = dict(self._running)
            self._applying = asyncio.create_task(self._apply(self._plan_again))
            try:
                failed = await asyncio.shield(self._applying)
            finally:
                self._applying = None
        if failed:
            raise UserError(f"{', '.join(failed)} did not start: see `cachetwin status`; it is tried again")
        change = difference(before, self._running)
        if not change.stop and not change.start:
            return "nothing changed"
        stopped, started = change.stop - self._changed, change.start - self._changed
        said = [f"changed {_names(self._changed)}"] if self._changed else []
        if stopped or started:
            said.append(f"stopped {_names(stopped)}; started {_names(started)}")
        return "; ".join(said)

    def reloadable_assets(self) -> frozenset[str]:
        """The names in the assembly of the folders that `reload` takes."""
        return frozenset(asset for actor in self._reloading() for asset in actor.assets)

    async def reload(self, changes: Sequence[FolderChange]) -> list[str]:
        """Tell the actors that run these folders of the changes. Returns a sentence of each.

        Raises UserError when changed files do not run; what ran before goes on.
        """
        done, errors = [], []
        async with self._changing:
            for actor in self._reloading():
                own = [change for change in changes if change.asset in actor.assets]
                if not own:
                    continue
                try:
                    done.append(await actor.reload(own))
                except UserError as error:
                    errors.append(str(error))
        if errors:
            raise UserError("\n".join(errors))
        return done

    def log_watch(self, text: str) -> None:
        """Log what the watch over the app's files says."""
        for line in text.splitlines():
            self.logs.write(_WATCH, line)

    def report_watch(self, state: State, detail: str) -> None:
        """Publish the state of the watch over the app's files."""
        self._run_context.report(_WATCH, _WATCH, "files", state, detail)

    def _reloading(self) -> list[Reloading]:
        return [actor for actor in self._actors if isinstance(actor, Reloading)]

    async def _apply(self, plan_again: Callable[[], Topology]) -> list[str]:
        topology = await asyncio.to_thread(plan_again)
        errors = [f"{p.identity.key}: {p.message}" for p in topology.problems if p.severity == "error"]
        if errors:
            raise UserError("\n  ".join(["the plan would not work:", *errors]))
        if self._retrying is not None:
            self._retrying.cancel()
        self._topology = topology
        self._provision(topology)
        self.logs.mask(self._run_context.values_to_mask())
        self._changed = await become(self._actors, topology, self._running)
        failed = await self._reconcile()
        if failed:
            self._retrying = asyncio.create_task(self._retry())
        return failed

    async def _retry(self) -> None:
        delay_s = _RETRY_FIRST_S
        while True:
            await asyncio.sleep(delay_s)
            if not await self._reconcile():
                return
            delay_s = min(2 * delay_s, _RETRY_MAX_S)

    async def _reconcile(self) -> list[str]:
        """Stop what is not wanted as it runs, start what is missing. Returns the names of those that did not start."""
        change = difference(self._running, specifications(self._topology))
        leaving = [actor for actor in self._actors if actor.name in change.stop | change.start]
        await in_order(list(reversed(leaving)), self._stop_one, dependents(leaving))
        staying = {actor.name: actor for actor in self._actors if actor not in leaving}
        for actor in leaving:
            self._run_context.parts.forget_resource(actor.name)
            del self._states[actor.name]
        made = [a for a in make_actors(self._run_context, self._topology, self._regions) if a.name not in staying]
        self._actors = [*staying.values(), *made]
        for actor in made:
            self._publish_state(actor, "waiting")
        failed: list[str] = []

        async def start(actor: Actor, dependencies_done: Callable[[], Awaitable[None]]) -> None:
            try:
                actor.open()
                await self._start_one(actor, dependencies_done)
            except Exception as error:  # noqa: BLE001  (one that does not start must not end the others)
                if not isinstance(error, UserError):
                    self.logs.write("supervisor", traceback.format_exc())
                if self._states[actor.name].state != "failed":
                    self._publish_state(actor, "failed", str(error).partition("\n")[0])
                failed.append(actor.name)

        await in_order(made, start, dependencies(made))
        return failed

    def _provision(self, topology: Topology) -> None:
        """Make the secrets, and the credentials of everything that has a role."""
        self._run_context.secrets.provision(topology.secrets)
        self._run_context.identities.set_principals(principals_of(topology))
        self._run_context.tags = topology.tags
        self._run_context.host_names.write(host_names(topology))

    def _debugged(self) -> list[FunctionActor | ServiceActor]:
        return [actor for actor in self._actors if isinstance(actor, FunctionActor | ServiceActor)]

    def _services(self) -> list[ServiceActor]:
        return [actor for actor in self._actors if isinstance(actor, ServiceActor)]

    def _caches(self) -> list[CacheActor]:
        return [actor for actor in self._actors if isinstance(actor, CacheActor)]

    def _databases(self) -> list[PostgresActor]:
        return [actor for actor in self._actors if isinstance(actor, PostgresActor)]

    def _memcached_clusters(self) -> list[MemcachedActor]:
        return [actor for actor in self._actors if isinstance(actor, MemcachedActor)]

    async def _run(self) -> bool:
        failure: str | None = None
        try:
            self._provision(self._topology)
            await self._run_context.host_names.try_out()
            self.logs.mask(self._run_context.values_to_mask())
            self._actors = make_actors(self._run_context, self._topology, self._regions)
            if not self._actors:
                raise UserError("there is nothing to run in the chosen stacks: see `cachetwin plan`")
            await self._start()
        except UserError as error:
            failure = str(error)
        else:
            if not self._stopping.is_set():
                self._all_started = True
                self._publish(Ready(round(time.monotonic() - self._began, 1)))
                self._start_watch()
                self._monitoring.start()
                self._clockwork.start("the clock's jobs", self._run_context.clock.run)
            await self._stopping.wait()
        finally:
            await self._watching.stop()
            await self._clockwork.stop()
            await self._monitoring.stop()
            await asyncio.shield(asyncio.create_task(self._stop()))
        if failure is not None:
            self._publish(Failed(failure))
        else:
            self._publish(Stopped(tuple(self._run_context.killed)))
        return failure is None

    def _start_watch(self) -> None:
        if self._watch is not None:
            watch = self._watch
            self._watching.start("watching the app's files", lambda: watch(self))

    async def _start(self) -> None:
        """Start everything, unless a request to stop interrupts. Raises UserError for what the user can solve."""
        for actor in self._actors:
            self._publish_state(actor, "waiting")
        for actor in self._actors:
            actor.open()
        self.logs.mask(self._run_context.values_to_mask())
        starting = asyncio.create_task(in_order(self._actors, self._start_one, dependencies(self._actors)))
        interrupted = asyncio.create_task(self._stopping.wait())
        done, _ = await asyncio.wait(
            {starting, interrupted}, timeout=self._start_deadline_s, return_when=asyncio.FIRST_COMPLETED
        )
        interrupted.cancel()
        starting.cancel()
        if not done:
            await asyncio.gather(starting, return_exceptions=True)
            late = ", ".join(
                f"{name} ({event.state})" for name, event in self._states.items() if event.state != "ready"
            )
            raise UserError(f"not everything was ready within {self._start_deadline_s:g} s: {late}")
        try:
            await starting
        except asyncio.CancelledError:
            if not self._stopping.is_set():
                raise
        except BaseExceptionGroup as group:
            raise first_cause(group) from group

    async def _stop(self) -> None:
        changes = [task for task in (self._applying, self._retrying) if task is not None]
        for task in changes:
            task.cancel()
        await asyncio.gather(*changes, return_exceptions=True)
        try:
            await in_order(list(reversed(self._actors)), self._stop_one, dependents(self._actors))
        finally:
            for child in list(self._run_context.children.values()):
                await child.kill()
            await self._run_context.engines.close()

    async def _start_one(self, actor: Actor, dependencies_done: Callable[[], Awaitable[None]]) -> None:
        try:
            self._publish_state(actor, "preparing")
            await actor.prepare()
            await dependencies_done()
            self._publish_state(actor, "starting")
            await actor.start()
            self.logs.mask(self._run_context.values_to_mask())
        except Exception as error:
            self._publish_state(actor, "failed", str(error).partition("\n")[0])
            raise
        self._running[actor.name] = specifications(self._topology)[actor.name]
        self._publish_state(actor, "ready", actor.detail)

    async def _stop_one(self, actor: Actor, dependencies_done: Callable[[], Awaitable[None]]) -> None:
        await dependencies_done()
        self._running.pop(actor.name, None)
        never_started = self._states[actor.name].state == "waiting"
        if not never_started:
            self._publish_state(actor, "stopping")
        try:
            await actor.stop()
        except Exception:  # noqa: BLE001  (our bug: the other actors must still be stopped in order)
            self.logs.write("supervisor", traceback.format_exc())
            self._publish_state(actor, "failed", "did not stop in order; see the log of supervisor")
        else:
            if not never_started:
                self._publish_state(actor, "stopped")

    def _log_exception(self, _loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
        """Log what asyncio reports of tasks and callbacks that nobody waits for."""
        error = context.get("exception")
        lines = traceback.format_exception(error) if isinstance(error, BaseException) else []
        self.logs.write("supervisor", "".join([f"{context.get('message', 'error')}\n", *lines]))

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self.request_stop)

    def _publish_state(self, actor: Actor, state: State, detail: str = "") -> None:
        self._publish(ResourceState(actor.name, actor.kind, state, detail))

    def _publish(self, event: Event) -> None:
        if isinstance(event, ResourceState):
            self._states[event.name] = event
        self._control.publish(event)
        self._on_event(event)

    def _write_state(self) -> None:
        children = {name: child.identity for name, child in self._run_context.children.items()}
        state = RunState(os.getpid(), str(self._control.path), self._topology.stacks, children)
        try:
            self._state_file.write(state)
        except OSError as error:  # a full disk, a deleted folder: the lock says that this supervisor runs
            self.logs.write("supervisor", f"state.json cannot be written: {error}")


def _names(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"
