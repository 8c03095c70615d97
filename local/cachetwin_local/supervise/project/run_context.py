"""The shared state of a run: the project's folders, secrets, CA and logs, and the register of children."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from cachetwin_local.identity.directory import Directory
from cachetwin_local.supervise.events import Event, ResourceState, State
from cachetwin_local.supervise.parts import Part, Parts
from cachetwin_local.supervise.process.child import Child, Command
from cachetwin_local.supervise.process.fork_server import ForkServer
from cachetwin_local.supervise.process.private_file import make_private_directory
from cachetwin_local.supervise.project.clock import Clock
from cachetwin_local.supervise.project.host_names import HostNames
from cachetwin_local.supervise.project.local_ca import LocalCA
from cachetwin_local.supervise.project.logs import Logs
from cachetwin_local.supervise.project.metrics import Metrics
from cachetwin_local.supervise.project.secret_store import SecretStore
from cachetwin_local.supervise.project.service_events import ServiceEvents
from cachetwin_local.supervise.project.task_places import TaskPlaces

__all__ = ["RunContext", "slug"]


@dataclass(slots=True)
class RunContext:
    """The state that the actors of one run share.

    `directory` is the project's ``.cachetwin``, `assembly` its ``cdk.out``. `publish` publishes an event;
    `children_changed` is called when a child starts or ends, with all that run, by the name of their actor. `details` give
    the line of a resource whose parts are all ready, where that of the part that changed last says too little.
    """

    directory: Path
    assembly: Path
    secrets: SecretStore
    local_ca: LocalCA
    logs: Logs
    publish: Callable[[Event], None]
    children_changed: Callable[[dict[str, Child]], None] = lambda _children: None
    children: dict[str, Child] = field(default_factory=dict)
    killed: list[str] = field(default_factory=list)
    details: dict[str, Callable[[], str]] = field(default_factory=dict)
    parts: Parts = field(default_factory=Parts)
    metrics: Metrics = field(default_factory=Metrics)
    task_places: TaskPlaces = field(default_factory=TaskPlaces)
    service_events: ServiceEvents = field(default_factory=ServiceEvents)
    clock: Clock = field(default_factory=Clock)
    tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    identities: Directory = field(init=False)
    engines: ForkServer = field(init=False)
    host_names: HostNames = field(init=False)

    def __post_init__(self) -> None:
        self.host_names = HostNames(self.directory / "hosts")
        self.engines = ForkServer(self.directory, lambda line: self.logs.write("supervisor", line))
        self.service_events.now = self.clock.now
        self.identities = Directory(lambda name: self.secrets.internal(f"identity of {name}"))

    def values_to_mask(self) -> frozenset[str]:
        """What must not stand in a log."""
        return self.secrets.values_to_mask() | self.identities.values_to_mask()

    def report(self, resource: str, kind: str, part: str, state: State, detail: str) -> None:
        """Publish the state of a resource after one of its parts changed: the worst of its parts' states."""
        shown = self.parts.report(Part(resource, part, state, detail))
        if shown.state == "ready" and resource in self.details:
            shown = replace(shown, name=part, detail=self.details[resource]())
        prefix = "" if shown.name == part or not shown.detail else f"{shown.name}: "
        self.publish(ResourceState(resource, kind, shown.state, prefix + shown.detail))

    async def start_child(self, name: str, command: Command, log_name: str | None = None) -> Child:
        """Start a child under `name`, its output in the log of `log_name` (the same name unless given)."""
        log = log_name or name
        child = await Child.start(command, lambda line: self.logs.write(log, line), make=self.engines.spawn)
        self.children[name] = child
        self.children_changed(self.children)
        return child

    async def stop_child(self, name: str, deadline_s: float) -> None:
        """Stop the child `name` if it runs, and record when it had to be killed."""
        child = self.children.get(name)
        if child is None:
            return
        if not await child.stop(deadline_s):
            self.killed.append(name)
        self.forget(name, child)

    def forget(self, name: str, child: Child) -> None:
        """Remove an exited child from the register."""
        if self.children.get(name) is child:
            del self.children[name]
            self.children_changed(self.children)

    def rename_child(self, old: str, new: str) -> None:
        """A child takes the place of another in the register."""
        child = self.children.pop(old, None)
        if child is not None:
            self.children[new] = child
            self.children_changed(self.children)

    def data_directory(self, name: str) -> Path:
        """The folder of the actor `name` for data that outlives a run."""
        return make_private_directory(self.directory / "data" / slug(name))


def slug(name: str) -> str:
    """`name` as one part of a file name."""
    return "".join(c if c.isalnum() or c in "-_" else "." for c in name)
