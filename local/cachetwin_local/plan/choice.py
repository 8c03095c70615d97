"""Which of the resources that could run are to run: cachetwin.toml's leave-out, and the command line's choice."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cachetwin_local.errors import UserError
from cachetwin_local.settings import FILE_NAME, Settings, name_matches
from cachetwin_local.topology.values import (
    Action,
    Database,
    Forward,
    Function,
    HttpApi,
    Identity,
    LoadBalancer,
    MemcachedCluster,
    ReplicationGroup,
    Service,
    TargetGroup,
)

__all__ = ["Choice", "check_names", "names_of"]

Runnable = ReplicationGroup | MemcachedCluster | Database | Service | Function | HttpApi | LoadBalancer


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line chooses: `only` these with what they need, or all `without` those."""

    only: Sequence[str] = ()
    without: Sequence[str] = ()

    def left_out(self, values: Iterable[object], settings: Settings, not_running: Sequence[Identity] = ()) -> set[str]:
        """The keys of what could run, or is `not_running` for another reason, and is not to run.

        Raises UserError for a name that nothing has.
        """
        runnable = {value.identity.key: value for value in values if isinstance(value, Runnable)}
        identities = [value.identity for value in runnable.values()]
        droppable = [*identities, *not_running]
        check_names("--only", self.only, identities)
        check_names("--without", self.without, droppable)
        check_names("leave-out", settings.leave_out, droppable)
        groups = {value.identity.key: value for value in values if isinstance(value, TargetGroup)}
        found = _matching((*self.without, *settings.leave_out), droppable)
        if self.only:
            wanted: set[str] = set()
            pending = list(_matching(self.only, identities))
            while pending:
                key = pending.pop()
                if key in runnable and key not in wanted:
                    wanted.add(key)
                    pending += _needs(runnable[key], groups)
            found |= runnable.keys() - wanted
        return found


def names_of(identity: Identity) -> tuple[str, ...]:
    """The names under which a person may know a resource: its key, its construct path and its logical id."""
    return identity.key, identity.path.removesuffix("/Resource").removesuffix("/Service"), identity.logical_id


def check_names(option: str, patterns: Iterable[str], identities: Sequence[Identity]) -> None:
    """Raise UserError for a pattern that is the name of none of the resources."""
    place = option if option.startswith("--") else f"{FILE_NAME}: {option}"
    for pattern in patterns:
        if not any(name_matches(pattern, *names_of(identity)) for identity in identities):
            keys = sorted(identity.key for identity in identities)
            every = [name for identity in identities for name in names_of(identity)]
            near = difflib.get_close_matches(pattern, every, 1, 0.5)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UserError(f"{place} must name one of {', '.join(keys) or '(there is none)'}, got {pattern}{hint}")


def _matching(patterns: Iterable[str], identities: Iterable[Identity]) -> set[str]:
    every = list(patterns)
    return {one.key for one in identities if any(name_matches(pattern, *names_of(one)) for pattern in every)}


def _needs(value: Runnable, groups: dict[str, TargetGroup]) -> list[str]:
    if isinstance(value, Service | Function | HttpApi):
        return list(value.depends_on)
    if isinstance(value, ReplicationGroup):
        return [value.follows] if value.follows else []
    if isinstance(value, LoadBalancer):
        actions = [action for one in value.listeners for action in (one.default_action, *(r.action for r in one.rules))]
        return [key for action in actions for key in _behind(action, groups)]
    return []


def _behind(action: Action, groups: dict[str, TargetGroup]) -> list[str]:
    if not isinstance(action, Forward):
        return []
    found = [group for one in action.target_groups if (group := groups.get(one.target_group)) is not None]
    services = [target.service for group in found for target in group.targets]
    return services + [group.function.function for group in found if group.function is not None]
