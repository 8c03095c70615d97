"""Everything that delivers events in the process of the endpoint, as the app and calls have it."""

from collections.abc import Callable

from cachetwin_local.identity.directory import Principal

from .events.permissions import DeliveryPermissions
from .events.targets import Targets
from .functions import Functions
from .moto_backend import MotoBackend
from .settings import AwsApiSettings
from .sources.event_sources import EventSources

__all__ = ["EventDelivery"]


class EventDelivery:
    """Reads event sources, and sends what rules, schedules and topics send. `write` gets lines for the log."""

    def __init__(self, moto: MotoBackend, functions: Functions, write: Callable[[str], None]) -> None:
        self._roles: dict[str, Principal] = {}
        self._permissions = DeliveryPermissions()
        self._targets = Targets(moto, functions, self._permissions)
        self._sources = EventSources(moto, functions, self._targets, self._roles.get, write)

    async def become(self, settings: AwsApiSettings) -> None:
        """Deliver what these settings have. moto must have loaded, with their seeds."""
        self._permissions.grants, self._permissions.roles = settings.grants, settings.roles
        self._roles.clear()
        self._roles.update(
            {arn: settings.roles[role] for arn, role in settings.function_roles.items() if role in settings.roles}
        )
        await self._sources.become(settings.seeds)

    async def close(self) -> None:
        """Deliver nothing more."""
        await self._sources.close()
