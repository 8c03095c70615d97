"""CloudWatch Logs' groups. What functions and services write arrives in them: see `delivery`."""

from typing import Final

from cachetwin_local.supervise.aws_api.settings import Seed

from .seeder import Api, Seeder

__all__ = ["LOG_GROUP"]


def _create(api: Api, seed: Seed) -> None:
    api.call("logs", "CreateLogGroup", seed, logGroupName=seed.name)
    _retain(api, seed)


def _retain(api: Api, seed: Seed) -> None:
    days = seed.properties.get("RetentionInDays")
    if days is not None:
        api.call("logs", "PutRetentionPolicy", seed, logGroupName=seed.name, retentionInDays=int(days))


def _delete(api: Api, seed: Seed) -> None:
    api.call("logs", "DeleteLogGroup", seed, logGroupName=seed.name)


LOG_GROUP: Final = Seeder(_create, _delete, change=_retain)
