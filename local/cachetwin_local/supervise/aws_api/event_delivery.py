"""Everything that delivers events in the process of the endpoint, as the app and calls have it."""

import asyncio
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from cachetwin_local.identity.deliveries import DeliveryPermissions
from cachetwin_local.identity.directory import Principal

from .events.attempts import Attempts
from .events.buses import Buses, event_time
from .events.moto_hooks import install
from .events.schedules import Schedules
from .events.targets import Targets
from .events.topics import Topics
from .functions import Functions
from .moto_backend import MotoBackend
from .settings import AwsApiSettings
from .sources.event_sources import EventSources
from .task_runner import TaskRunner

__all__ = ["EventDelivery"]


class EventDelivery:
    """Reads event sources, and sends what rules, schedules and topics send. `write` gets lines for the log."""

    def __init__(
        self, moto: MotoBackend, functions: Functions, tasks: TaskRunner, write: Callable[[str], None]
    ) -> None:
        self._moto = moto
        self._ahead_ms = 0
        self._account = ""
        self._roles: dict[str, Principal] = {}
        self._permissions = DeliveryPermissions()
        self.targets = Targets(moto, functions, tasks, self._permissions)
        self._attempts = Attempts(self.targets, write)
        self.buses = Buses(moto, self._attempts, self.now)
        self.targets.put_event = self.buses.put
        self._topics = Topics(self._attempts, write)
        self._schedules = Schedules(moto, self._attempts, self.buses, write)
        self._sources = EventSources(moto, functions, self.targets, self._roles.get, write)

    def now(self) -> datetime:
        """The time of the app."""
        return datetime.fromtimestamp(time.time() + self._ahead_ms / 1000, UTC)

    def begin(self, settings: AwsApiSettings) -> None:
        """Take over what moto sends, before it has loaded."""
        self._configure(settings)
        loop = asyncio.get_running_loop()
        self._moto.on_import = lambda module: install(module, loop, self.buses, self._topics)

    async def become(self, settings: AwsApiSettings) -> None:
        """Deliver what these settings have. moto must have loaded, with their seeds."""
        self._configure(settings)
        await self._sources.become(settings.seeds)

    def _configure(self, settings: AwsApiSettings) -> None:
        self._account = settings.account
        self._permissions.grants, self._permissions.roles = settings.grants, settings.roles
        self._roles.clear()
        self._roles.update(
            {arn: settings.roles[role] for arn, role in settings.function_roles.items() if role in settings.roles}
        )

    def run_due(self, now_ms: int) -> int:
        """Send what is due at this time of the app. Returns when something is due next, 0 for never."""
        self._ahead_ms = now_ms - int(1000 * time.time())
        self._schedules.run_due(self._account, datetime.fromtimestamp(now_ms / 1000, UTC))
        return self._schedules.next_ms

    def end_of_invocation(self, function_arn: str, record: dict[str, Any]) -> dict[str, Any]:
        """The event for a bus that is the destination of asynchronous invocations."""
        end = "Success" if record["requestContext"]["condition"] == "Success" else "Failure"
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": f"Lambda Function Invocation Result - {end}",
            "source": "lambda",
            "account": function_arn.split(":")[4],
            "time": event_time(self.now()),
            "region": function_arn.split(":")[3],
            "resources": [record["requestContext"]["functionArn"]],
            "detail": record,
        }

    async def close(self) -> None:
        """Deliver nothing more."""
        await self._sources.close()
        await self._attempts.close()
