"""EventBridge's buses."""

from typing import Final

from cachetwin_local.supervise.aws_api.settings import Seed

from .seeder import Api, Seeder

__all__ = ["EVENT_BUS"]


def _create(api: Api, seed: Seed) -> None:
    api.call("events", "CreateEventBus", seed, Name=seed.name)


def _delete(api: Api, seed: Seed) -> None:
    api.call("events", "DeleteEventBus", seed, Name=seed.name)


EVENT_BUS: Final = Seeder(_create, _delete)
