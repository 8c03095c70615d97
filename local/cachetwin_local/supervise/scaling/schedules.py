"""Scheduled actions: other bounds of a scalable target from a time on, on the twin's clock."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime

from cachetwin_local.resources.events.expressions import Schedule, read_schedule, zone_of
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.scaling import ScalableTarget, ScheduledAction

__all__ = ["Schedules"]

_LOG = "scaling"
Planned = tuple[ScalableTarget, ScheduledAction]
SetBounds = Callable[[ScalableTarget, ScheduledAction], Awaitable[None]]


class Schedules:
    """The scheduled actions of a run; `set_bounds` does one."""

    def __init__(self, run_context: RunContext, set_bounds: SetBounds) -> None:
        self._run_context = run_context
        self._set_bounds = set_bounds
        self._planned: dict[tuple[str, str], Planned] = {}
        self._stopped = False

    def stop(self) -> None:
        """Do nothing more."""
        self._stopped = True

    def become(self, targets: Iterable[ScalableTarget]) -> None:
        """Plan what is new in these targets; what is gone is not done any more."""
        wanted = {
            (target.identity.key, action.name): (target, action)
            for target in targets
            for action in ([] if target.schedules_suspended else target.scheduled_actions)
        }
        before, self._planned = self._planned, wanted
        for key, (target, action) in wanted.items():
            if before.get(key, (target, None))[1] != action:
                self._plan(key, action)

    def _plan(self, key: tuple[str, str], action: ScheduledAction) -> None:
        try:
            schedule = read_schedule(action.schedule, zone_of(action.timezone))
        except ValueError as error:
            self._run_context.logs.write(_LOG, f"scheduled action {action.name} is not done: {error}")
            return
        self._plan_next(key, action, schedule, self._run_context.clock.now())

    def _plan_next(self, key: tuple[str, str], action: ScheduledAction, schedule: Schedule, began: datetime) -> None:
        now = self._run_context.clock.now()
        start, end = _moment(action.start), _moment(action.end)
        found = schedule.next_after(began, max(now, start) if start else now)
        if found is None or (end is not None and found > end):
            return

        async def act() -> None:
            planned = self._planned.get(key)
            if self._stopped or planned is None or planned[1] != action:
                return
            await self._set_bounds(planned[0], action)
            self._plan_next(key, action, schedule, began)

        self._run_context.clock.at(int(found.timestamp() * 1000), act)


def _moment(text: str) -> datetime | None:
    """A time in ISO 8601; in UTC where it does not say."""
    if not text:
        return None
    found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return found if found.tzinfo else found.replace(tzinfo=UTC)
