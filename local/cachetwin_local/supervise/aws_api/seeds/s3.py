"""S3 buckets. One whose template is gone keeps what is in it, and so stays."""

from typing import Final

from cachetwin_local.supervise.aws_api.settings import Seed

from .seeder import Api, Seeder

__all__ = ["BUCKET"]

_PARTITION_AT: Final = 1


def _create(api: Api, seed: Seed) -> None:
    backend = api.moto.backend("s3", seed.arn.split(":")[_PARTITION_AT], api.account)
    backend.create_bucket(seed.name, api.region)
    _version(api, seed)


def _version(api: Api, seed: Seed) -> None:
    status = (seed.properties.get("VersioningConfiguration") or {}).get("Status")
    if status:
        backend = api.moto.backend("s3", seed.arn.split(":")[_PARTITION_AT], api.account)
        backend.put_bucket_versioning(seed.name, status)


def _delete(_api: Api, _seed: Seed) -> None:
    """A bucket with objects in it is not deleted by CloudFormation either."""


BUCKET: Final = Seeder(_create, _delete, change=_version)
