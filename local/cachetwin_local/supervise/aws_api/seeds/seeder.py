"""How resources of a type are made in moto, changed and deleted."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cachetwin_local.supervise.aws_api.moto_backend import MotoBackend
from cachetwin_local.supervise.aws_api.protocol.services import SERVICES
from cachetwin_local.supervise.aws_api.settings import Seed

__all__ = ["Api", "Seeder", "as_text", "chosen", "nothing"]


@dataclass(frozen=True, slots=True)
class Api:
    """What makes resources: calls of a service, and moto's own state for what no call can set."""

    moto: MotoBackend
    account: str
    region: str

    def call(self, signing_name: str, operation: str, seed: Seed, **parameters: Any) -> Any:  # noqa: ANN401  (JSON)
        """A call in the region and the account of `seed`. Raises CallFailed."""
        region, account = seed.region or self.region, seed.account or self.account
        return self.moto.call(SERVICES[signing_name], operation, parameters, region, account)

    def backend(self, module: str, seed: Seed) -> Any:  # noqa: ANN401  (moto's own class)
        """moto's state of a service in the region and the account of `seed`."""
        return self.moto.backend(module, seed.region or self.region, seed.account or self.account)


def nothing(_api: Api, _seed: Seed) -> None:
    """What a type does that has nothing to do."""


def _no_parent(_seed: Seed) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Seeder:
    """One type. `connect` runs when every resource has been made; `change` is None where a change makes it anew.

    `detach` runs before `change`, with the seed as it was and as it becomes. `parent` gives the ARN of the resource that
    takes this one with it when it is deleted; empty for none.
    """

    create: Callable[[Api, Seed], None]
    delete: Callable[[Api, Seed], None]
    connect: Callable[[Api, Seed], None] = nothing
    change: Callable[[Api, Seed], None] | None = None
    detach: Callable[[Api, Seed, Seed], None] | None = None
    parent: Callable[[Seed], str] = _no_parent


def chosen(properties: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The properties of these names that the template has."""
    return {name: properties[name] for name in names if properties.get(name) is not None}


def as_text(value: Any) -> str:  # noqa: ANN401  (JSON)
    """A value as attributes have it: JSON for objects, ``true`` for True."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)
