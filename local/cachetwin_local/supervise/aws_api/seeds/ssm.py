"""Parameters of SSM's parameter store."""

from typing import Final

from cachetwin_local.supervise.aws_api.settings import Seed

from .seeder import Api, Seeder, chosen

__all__ = ["PARAMETER"]

_PARAMETERS: Final = ("AllowedPattern", "DataType", "Description", "Tier", "Type", "Value")


def _put(api: Api, seed: Seed) -> None:
    given = chosen(seed.properties, _PARAMETERS)
    api.call("ssm", "PutParameter", seed, Name=seed.name, Overwrite=True, **given)


def _delete(api: Api, seed: Seed) -> None:
    api.call("ssm", "DeleteParameter", seed, Name=seed.name)


PARAMETER: Final = Seeder(_put, _delete, change=_put)
