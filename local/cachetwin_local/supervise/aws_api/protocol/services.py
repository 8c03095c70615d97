"""The services that moto answers here, by the name that requests are signed for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["SERVICES", "Service", "service_of"]

Protocol = Literal["json", "query", "rest-xml", "rest-json"]


@dataclass(frozen=True, slots=True)
class Service:
    """One service: its module in moto, the prefix of its actions in policies, and how it is spoken to.

    `target` is the prefix of ``X-Amz-Target`` and `version` the number of JSON's dialect, for services that speak it.
    """

    module: str
    prefix: str
    protocol: Protocol
    target: str = ""
    version: str = "1.1"


SERVICES: Final[Mapping[str, Service]] = {
    "dynamodb": Service("dynamodb", "dynamodb", "json", "DynamoDB_20120810", "1.0"),
    "events": Service("events", "events", "json", "AWSEvents"),
    "iam": Service("iam", "iam", "query"),
    "kms": Service("kms", "kms", "json", "TrentService"),
    "logs": Service("logs", "logs", "json", "Logs_20140328"),
    "monitoring": Service("cloudwatch", "cloudwatch", "json", "GraniteServiceVersion20100801", "1.0"),
    "s3": Service("s3", "s3", "rest-xml"),
    "scheduler": Service("scheduler", "scheduler", "rest-json"),
    "secretsmanager": Service("secretsmanager", "secretsmanager", "json", "secretsmanager"),
    "sns": Service("sns", "sns", "query"),
    "sqs": Service("sqs", "sqs", "json", "AmazonSQS", "1.0"),
    "ssm": Service("ssm", "ssm", "json", "AmazonSSM"),
    "sts": Service("sts", "sts", "query"),
}
"""Lambda is not among them: the functions themselves answer its Invoke (see `server`)."""

_STREAMS: Final = Service("dynamodbstreams", "dynamodb", "json", "DynamoDBStreams_20120810", "1.0")


def service_of(signing_name: str, target: str) -> Service | None:
    """The service that a request is for; None for one that moto does not answer here."""
    if signing_name == "dynamodb" and target.startswith("DynamoDBStreams"):
        return _STREAMS
    return SERVICES.get(signing_name)
