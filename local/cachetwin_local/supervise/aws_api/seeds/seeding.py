"""Makes what the template defines in moto, and what another template defines out of it.

To seed a further type: a `Seeder` in a module of its service, a row in `SEEDERS`, and its properties in
`resources/aws_api`. Rows are in the order in which resources are made.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
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
        for seed in sorted(self._going(keys), key=lambda seed: -order.index(seed.type)):
            self._try(SEEDERS[seed.type].delete, api, seed, "cannot be deleted")
            del self._made[seed.key]
        new = [seed for seed in seeds if seed.key not in self._made]
        for seed in seeds:
            before, seeder = self._made.get(seed.key), SEEDERS[seed.type]
            if before is not None and before != seed and seeder.change is not None:
                if seeder.detach is not None:
                    self._try(partial(_detach, seeder.detach, before), api, seed, "cannot be changed")
                self._try(seeder.change, api, seed, "cannot be changed")
                self._made[seed.key] = seed
        made = [seed for seed in new if self._try(SEEDERS[seed.type].create, api, seed, "cannot be made")]
        for seed in made:
            self._made[seed.key] = seed
            self._try(SEEDERS[seed.type].connect, api, seed, "cannot be connected")

    def _going(self, wanted: Mapping[str, Seed]) -> list[Seed]:
        """What is deleted: what is not wanted, what is made anew, and what goes with a parent that is made anew."""
        going = {
            key: seed
            for key, seed in self._made.items()
            if (successor := wanted.get(key)) is None or not _can_become(seed, successor)
        }
        anew = {seed.arn for key, seed in wanted.items() if key in going or key not in self._made}
        going |= {key: seed for key, seed in self._made.items() if SEEDERS[seed.type].parent(seed) in anew - {""}}
        return list(going.values())

    def _try(self, act: Callable[[Api, Seed], None], api: Api, seed: Seed, failing: str) -> bool:
        try:
            act(api, seed)
        except Exception as error:  # noqa: BLE001  (moto's errors are of many classes, and one resource stops no other)
            self._write(f"[cachetwin] {seed.key} ({seed.name}) {failing}: {type(error).__name__}: {error}")
            return False
        return True


def _detach(detach: Callable[[Api, Seed, Seed], None], before: Seed, api: Api, after: Seed) -> None:
    detach(api, before, after)


def _can_become(before: Seed, after: Seed) -> bool:
    if before == after:
        return True
    same = (before.type, before.name, before.arn) == (after.type, after.name, after.arn)
    return same and SEEDERS[before.type].change is not None
