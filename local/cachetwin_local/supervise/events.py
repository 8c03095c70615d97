"""The events that the supervisor publishes, for the screen, a waiting `up -d` and `status`."""

from dataclasses import asdict, dataclass
from typing import Literal

__all__ = ["Event", "Failed", "Ready", "ResourceState", "State", "Stopped", "from_json", "to_json"]

State = Literal["waiting", "preparing", "starting", "ready", "unhealthy", "restarting", "stopping", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class ResourceState:
    """A resource changed its state.

    `name` is its key in the topology, `kind` a word for people, `detail` one line or empty.
    """

    name: str
    kind: str
    state: State
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Ready:
    """Everything answers, `seconds` after the start."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """The start failed and everything is stopped again. `message` is for the user."""

    message: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """Everything has stopped; `killed` names the children that had to be killed."""

    killed: tuple[str, ...] = ()


Event = ResourceState | Ready | Failed | Stopped
_KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in (ResourceState, Ready, Failed, Stopped)}


def to_json(event: Event) -> dict[str, object]:
    """`event` as a JSON object with its kind under ``event``."""
    return {"event": type(event).__name__, **asdict(event)}


def from_json(document: dict[str, object]) -> Event:
    """The event from which `to_json` made this object."""
    values = {
        key: tuple(value) if isinstance(value, list) else value for key, value in document.items() if key != "event"
    }
    return _KINDS[str(document["event"])](**values)  # type: ignore[arg-type]  # written by to_json
