"""SNS: what is published to a topic goes to the functions and queues that subscribe to it.

The messages of one group of a FIFO topic reach a queue in the order in which they were published.

moto keeps topics and subscriptions and answers calls; what a subscription gets is sent here, and by nothing else.
Source: "Amazon SNS message and JSON formats" and "Amazon SNS raw message delivery", SNS developer guide.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cachetwin_local.identity.deliveries import Sender

from .attempts import Attempts
from .patterns import matches_filter_policy
from .targets import Delivery

__all__ = ["Published", "Topics"]

SERVICE: Final = "sns.amazonaws.com"


@dataclass(frozen=True, slots=True)
class Published:
    """A message as it was published; `attributes` have ``Type`` and ``Value``."""

    message: str
    message_id: str
    subject: str | None = None
    attributes: Mapping[str, Mapping[str, Any]] | None = None
    group_id: str | None = None
    deduplication_id: str | None = None
    structure: str | None = None


class Topics:
    """Delivers to subscriptions."""

    def __init__(self, attempts: Attempts, write: Callable[[str], None]) -> None:
        self._attempts = attempts
        self._write = write

    def deliver(self, subscription: Any, published: Published) -> None:  # noqa: ANN401  (moto's own class)
        """Deliver a message to one subscription, if its filter policy lets it pass."""
        attributes = published.attributes or {}
        policy = subscription._filter_policy
        scope = str(subscription.attributes.get("FilterPolicyScope") or "MessageAttributes")
        if policy and not matches_filter_policy(policy, scope, attributes, published.message):
            return
        message = _for_protocol(published, subscription.protocol)
        topic, endpoint = str(subscription.topic.arn), str(subscription.endpoint)
        if subscription.protocol == "lambda":
            payload, more = _as_event(subscription, published, message), {}
        elif subscription.protocol == "sqs":
            raw = str(subscription.attributes.get("RawMessageDelivery", "")).lower() == "true"
            payload = message if raw else json.dumps(_notification(topic, subscription.arn, published, message))
            more = _raw_attributes(attributes) if raw else {}
        else:
            self._write(
                f"[cachetwin] {topic}: nothing is sent to {subscription.protocol} subscriptions here: {endpoint}"
            )
            return
        options: dict[str, Any] = {}
        redrive = subscription.attributes.get("RedrivePolicy")
        if redrive:
            letters = json.loads(redrive) if isinstance(redrive, str) else redrive
            options["DeadLetterConfig"] = {"Arn": letters.get("deadLetterTargetArn")}
        if published.group_id:
            options["SqsParameters"] = {"MessageGroupId": published.group_id}
            options["MessageDeduplicationId"] = published.deduplication_id or published.message_id
        delivery = Delivery(endpoint, payload, Sender(SERVICE, topic), options, attributes=more)
        line = (str(subscription.arn), published.group_id or "") if topic.endswith(".fifo") else ()
        self._attempts.begin(delivery, f"topic {topic.rpartition(':')[2]}", line)


def _for_protocol(published: Published, protocol: str) -> str:
    """The message for one protocol, where the publisher gave several."""
    if published.structure != "json":
        return published.message
    try:
        texts = json.loads(published.message)
        return str(texts.get(protocol) or texts["default"])
    except (ValueError, KeyError, AttributeError):
        return published.message


def _notification(topic: str, subscription: str, published: Published, message: str) -> dict[str, Any]:
    """What a queue gets without raw delivery. Nothing here signs it."""
    region = topic.split(":")[3]
    found: dict[str, Any] = {
        "Type": "Notification",
        "MessageId": published.message_id,
        "TopicArn": topic,
        **({"Subject": published.subject} if published.subject else {}),
        "Message": message,
        "Timestamp": _now(),
        "SignatureVersion": "1",
        "Signature": "",
        "SigningCertURL": f"https://sns.{region}.amazonaws.com/SimpleNotificationService-cachetwin.pem",
        "UnsubscribeURL": f"https://sns.{region}.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={subscription}",
    }
    if published.attributes:
        found["MessageAttributes"] = _as_json(published.attributes)
    return found


def _as_event(subscription: Any, published: Published, message: str) -> str:  # noqa: ANN401  (moto's own class)
    """What a function gets."""
    topic = str(subscription.topic.arn)
    body = _notification(topic, str(subscription.arn), published, message)
    sns = {
        **{name: value for name, value in body.items() if name not in {"SigningCertURL", "UnsubscribeURL"}},
        "Subject": published.subject,
        "SigningCertUrl": body["SigningCertURL"],
        "UnsubscribeUrl": body["UnsubscribeURL"],
        "MessageAttributes": _as_json(published.attributes or {}),
    }
    record = {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": str(subscription.arn),
        "Sns": sns,
    }
    return json.dumps({"Records": [record]})


def _as_json(attributes: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    return {name: {"Type": str(one["Type"]), "Value": _text(one.get("Value"))} for name, one in attributes.items()}


def _raw_attributes(attributes: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Message attributes as SendMessage takes them."""
    return {
        name: {
            "DataType": "String" if one["Type"] == "String.Array" else str(one["Type"]),
            ("BinaryValue" if str(one["Type"]).startswith("Binary") else "StringValue"): _text(one.get("Value")),
        }
        for name, one in attributes.items()
    }


def _text(value: Any) -> str:  # noqa: ANN401  (what moto keeps)
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
