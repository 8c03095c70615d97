"""Secrets, with the values and the ARNs that the environments of functions and services have."""

from typing import Final

from cachetwin_local.supervise.aws_api.settings import Seed

from .seeder import Api, Seeder

__all__ = ["SECRET"]


def _create(api: Api, seed: Seed) -> None:
    value = seed.properties["SecretString"]
    api.call("secretsmanager", "CreateSecret", seed, Name=seed.name, SecretString=value)
    api.backend("secretsmanager", seed).secrets[seed.name].arn = seed.arn


def _change(api: Api, seed: Seed) -> None:
    value = seed.properties["SecretString"]
    api.call("secretsmanager", "PutSecretValue", seed, SecretId=seed.name, SecretString=value)


def _delete(api: Api, seed: Seed) -> None:
    api.call("secretsmanager", "DeleteSecret", seed, SecretId=seed.name, ForceDeleteWithoutRecovery=True)


SECRET: Final = Seeder(_create, _delete, change=_change)
