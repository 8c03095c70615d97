"""Makes what the template defines in moto, and what another template defines out of it.

To seed a further type: a `Seeder` in a module of its service, a row in `SEEDERS`, and its properties in
`resources/aws_api`. Rows are in the order in which resources are made.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from cachetwin_local.supervise.aws_api.settings import Seed

from . import cloudwatch, dynamodb, events, kms, logs, s3, secrets_manager, sns, sqs, ssm
from .seeder import Api, Seeder

__all__ = ["SEEDERS", "Seeding"]

SEEDERS: Final[Mapping[str, Seeder]] = {
    "AWS::KMS::Key": kms.KEY,
    "AWS::KMS::Alias": kms.ALIAS,
    "AWS::SecretsManager::Secret": secrets_manager.SECRET,
    "AWS::SSM::Parameter": ssm.PARAMETER,
    "AWS::Logs::LogGroup": logs.LOG_GROUP,
    "AWS::S3::Bucket": s3.BUCKET,
    "AWS::DynamoDB::Table": dynamodb.TABLE,
    "AWS::DynamoDB::GlobalTable": dynamodb.GLOBAL_TABLE,
    "AWS::SQS::Queue": sqs.QUEUE,
    "AWS::SNS::Topic": sns.TOPIC,
    "AWS::SNS::Subscription": sns.SUBSCRIPTION,
    "AWS::Events::EventBus": events.EVENT_BUS,
    "AWS::Events::Rule": events.RULE,
    "AWS::Scheduler::ScheduleGroup": events.SCHEDULE_GROUP,
    "AWS::Scheduler::Schedule": events.SCHEDULE,
    "AWS::CloudWatch::Alarm": cloudwatch.ALARM,
    "AWS::CloudWatch::CompositeAlarm": cloudwatch.COMPOSITE_ALARM,
}


class Seeding:
    """What moto has of the template. `write` gets a line about each resource that could not be made."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._made: dict[str, Seed] = {}

    def become(self, api: Api, wanted: Sequence[Seed]) -> None:
        """Make what is missing, change what differs and delete what is not wanted; what calls have made stays."""
        order = list(SEEDERS)
        seeds = sorted((seed for seed in wanted if seed.type in SEEDERS), key=lambda seed: order.index(seed.type))
        keys = {seed.key: seed for seed in seeds}
        for key, seed in list(self._made.items()):
            successor = keys.get(key)
            if successor is None or not _can_become(seed, successor):
                self._try(SEEDERS[seed.type].delete, api, seed, "cannot be deleted")
                del self._made[key]
        new = [seed for seed in seeds if seed.key not in self._made]
        for seed in seeds:
            before, change = self._made.get(seed.key), SEEDERS[seed.type].change
            if before is not None and before != seed and change is not None:
                self._try(change, api, seed, "cannot be changed")
                self._made[seed.key] = seed
        made = [seed for seed in new if self._try(SEEDERS[seed.type].create, api, seed, "cannot be made")]
        for seed in made:
            self._made[seed.key] = seed
            self._try(SEEDERS[seed.type].connect, api, seed, "cannot be connected")

    def _try(self, act: Callable[[Api, Seed], None], api: Api, seed: Seed, failing: str) -> bool:
        try:
            act(api, seed)
        except Exception as error:  # noqa: BLE001  (moto's errors are of many classes, and one resource stops no other)
            self._write(f"[cachetwin] {seed.key} ({seed.name}) {failing}: {type(error).__name__}: {error}")
            return False
        return True


def _can_become(before: Seed, after: Seed) -> bool:
    if before == after:
        return True
    same = (before.type, before.name, before.arn) == (after.type, after.name, after.arn)
    return same and SEEDERS[before.type].change is not None
