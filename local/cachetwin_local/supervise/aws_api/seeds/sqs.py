"""SQS queues. A queue for dead letters may be made after the one that names it, so redrive policies come last."""

from typing import Final

from cachetwin_local.supervise.aws_api.settings import Seed

from .seeder import Api, Seeder, as_text, chosen

__all__ = ["QUEUE"]

_FIXED: Final = ("FifoQueue",)
_ATTRIBUTES: Final = (
    "ContentBasedDeduplication", "DeduplicationScope", "DelaySeconds", "FifoThroughputLimit",
    "KmsDataKeyReusePeriodSeconds", "KmsMasterKeyId", "MaximumMessageSize", "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds", "SqsManagedSseEnabled", "VisibilityTimeout",
)  # fmt: skip
_CONNECTED: Final = ("RedriveAllowPolicy", "RedrivePolicy")


def _create(api: Api, seed: Seed) -> None:
    api.call("sqs", "CreateQueue", seed, QueueName=seed.name, Attributes=_texts(seed, (*_FIXED, *_ATTRIBUTES)))


def _connect(api: Api, seed: Seed) -> None:
    attributes = _texts(seed, _CONNECTED)
    if attributes:
        api.call("sqs", "SetQueueAttributes", seed, QueueUrl=_url(seed), Attributes=attributes)


def _change(api: Api, seed: Seed) -> None:
    attributes = _texts(seed, (*_ATTRIBUTES, *_CONNECTED))
    if attributes:
        api.call("sqs", "SetQueueAttributes", seed, QueueUrl=_url(seed), Attributes=attributes)


def _delete(api: Api, seed: Seed) -> None:
    api.call("sqs", "DeleteQueue", seed, QueueUrl=_url(seed))


def _texts(seed: Seed, names: tuple[str, ...]) -> dict[str, str]:
    return {name: as_text(value) for name, value in chosen(seed.properties, names).items()}


def _url(seed: Seed) -> str:
    return str(seed.attributes["QueueUrl"])


QUEUE: Final = Seeder(_create, _delete, _connect, _change)
