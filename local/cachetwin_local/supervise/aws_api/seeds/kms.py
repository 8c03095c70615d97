"""KMS keys, under the ids that the template's references have, and their aliases."""

from typing import Final

from cachetwin_local.supervise.aws_api.settings import Seed

from .seeder import Api, Seeder, chosen

__all__ = ["ALIAS", "KEY"]

_PARAMETERS: Final = ("Description", "KeySpec", "KeyUsage", "MultiRegion")


def _create_key(api: Api, seed: Seed) -> None:
    made = api.call("kms", "CreateKey", seed, **chosen(seed.properties, _PARAMETERS))["KeyMetadata"]
    keys = api.backend("kms", seed).keys
    key = keys.pop(made["KeyId"])
    key.id, key.arn = seed.name, seed.arn
    keys[seed.name] = key
    if seed.properties.get("Enabled") in (False, "false"):
        api.call("kms", "DisableKey", seed, KeyId=seed.name)


def _delete_key(api: Api, seed: Seed) -> None:
    api.backend("kms", seed).keys.pop(seed.name, None)


def _connect_alias(api: Api, seed: Seed) -> None:
    target = str(seed.properties["TargetKeyId"]).rpartition("/")[2]
    api.call("kms", "CreateAlias", seed, AliasName=seed.name, TargetKeyId=target)


def _delete_alias(api: Api, seed: Seed) -> None:
    api.call("kms", "DeleteAlias", seed, AliasName=seed.name)


KEY: Final = Seeder(_create_key, _delete_key)
ALIAS: Final = Seeder(lambda _api, _seed: None, _delete_alias, _connect_alias)
