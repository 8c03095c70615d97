"""SNS topics and their subscriptions. Queues and functions receive what is published here: see `events/topics`."""

from typing import Any, Final

from cachetwin_local.supervise.aws_api.settings import Seed

from .seeder import Api, Seeder, as_text, chosen

__all__ = ["SUBSCRIPTION", "TOPIC"]

_TOPIC_ATTRIBUTES: Final = ("ContentBasedDeduplication", "DisplayName", "FifoTopic", "KmsMasterKeyId")
_CHANGEABLE: Final = {  # moto's own name and its value without one in the template
    "ContentBasedDeduplication": ("content_based_deduplication", False),
    "DisplayName": ("display_name", ""),
    "KmsMasterKeyId": ("kms_master_key_id", ""),
}
_SUBSCRIPTION_ATTRIBUTES: Final = ("FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy")
_DELIVERED: Final = ("sqs", "lambda")


def _create_topic(api: Api, seed: Seed) -> None:
    api.backend("sns", seed).create_topic(seed.name, _texts(seed))


def _texts(seed: Seed) -> dict[str, str]:
    """The attributes without those that are false, which moto would take for true."""
    given = chosen(seed.properties, _TOPIC_ATTRIBUTES)
    return {name: text for name, value in given.items() if (text := as_text(value)) != "false"}


def _connect_topic(api: Api, seed: Seed) -> None:
    for inline in seed.properties.get("Subscription") or []:
        _subscribe(api, seed, seed.arn, inline)


def _change_topic(api: Api, seed: Seed) -> None:
    texts = _texts(seed)
    for name, (attribute, default) in _CHANGEABLE.items():
        api.backend("sns", seed).set_topic_attribute(seed.arn, attribute, texts.get(name, default))
    _connect_topic(api, seed)


def _detach_topic(api: Api, before: Seed, after: Seed) -> None:
    kept = after.properties.get("Subscription") or []
    for inline in before.properties.get("Subscription") or []:
        if inline not in kept:
            _unsubscribe(api, before, before.arn, inline)


def _delete_topic(api: Api, seed: Seed) -> None:
    api.backend("sns", seed).delete_topic(seed.arn)


def _create_subscription(api: Api, seed: Seed) -> None:
    """Its topic and its queue are there first: see `_connect_subscription`."""


def _connect_subscription(api: Api, seed: Seed) -> None:
    _subscribe(api, seed, str(seed.properties["TopicArn"]), seed.properties)


def _delete_subscription(api: Api, seed: Seed) -> None:
    _unsubscribe(api, seed, _topic(seed), seed.properties)


def _topic(seed: Seed) -> str:
    return str(seed.properties.get("TopicArn"))


def _unsubscribe(api: Api, seed: Seed, topic_arn: str, properties: Any) -> None:  # noqa: ANN401  (a template's JSON)
    backend = api.backend("sns", seed)
    for arn, one in list(backend.subscriptions.items()):
        if (one.topic.arn, one.endpoint) == (topic_arn, properties.get("Endpoint")):
            backend.unsubscribe(arn)


def _subscribe(api: Api, seed: Seed, topic_arn: str, properties: Any) -> None:  # noqa: ANN401  (a template's JSON)
    if properties.get("Protocol") not in _DELIVERED:
        return
    backend = api.backend("sns", seed)
    subscription = backend.subscribe(topic_arn, str(properties["Endpoint"]), str(properties["Protocol"]))
    for name, value in chosen(properties, _SUBSCRIPTION_ATTRIBUTES).items():
        backend.set_subscription_attributes(subscription.arn, name, as_text(value))


TOPIC: Final = Seeder(_create_topic, _delete_topic, _connect_topic, _change_topic, _detach_topic)
SUBSCRIPTION: Final = Seeder(_create_subscription, _delete_subscription, _connect_subscription, parent=_topic)
