"""SNS topics and their subscriptions. Queues and functions receive what is published here: see `events/topics`."""

from typing import Any, Final

from cachetwin_local.supervise.aws_api.settings import Seed

from .seeder import Api, Seeder, as_text, chosen

__all__ = ["SUBSCRIPTION", "TOPIC"]

_TOPIC_ATTRIBUTES: Final = ("ContentBasedDeduplication", "DisplayName", "FifoTopic", "KmsMasterKeyId")
_SUBSCRIPTION_ATTRIBUTES: Final = ("FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy")
_DELIVERED: Final = ("sqs", "lambda")


def _create_topic(api: Api, seed: Seed) -> None:
    attributes = {name: as_text(value) for name, value in chosen(seed.properties, _TOPIC_ATTRIBUTES).items()}
    api.backend("sns", seed).create_topic(seed.name, attributes)


def _connect_topic(api: Api, seed: Seed) -> None:
    for inline in seed.properties.get("Subscription") or []:
        _subscribe(api, seed, seed.arn, inline)


def _delete_topic(api: Api, seed: Seed) -> None:
    api.backend("sns", seed).delete_topic(seed.arn)


def _create_subscription(api: Api, seed: Seed) -> None:
    """Its topic and its queue are there first: see `_connect_subscription`."""


def _connect_subscription(api: Api, seed: Seed) -> None:
    _subscribe(api, seed, str(seed.properties["TopicArn"]), seed.properties)


def _delete_subscription(api: Api, seed: Seed) -> None:
    backend = api.backend("sns", seed)
    for arn, one in list(backend.subscriptions.items()):
        if (one.topic.arn, one.endpoint) == (seed.properties["TopicArn"], seed.properties.get("Endpoint")):
            backend.unsubscribe(arn)


def _subscribe(api: Api, seed: Seed, topic_arn: str, properties: Any) -> None:  # noqa: ANN401  (a template's JSON)
    if properties.get("Protocol") not in _DELIVERED:
        return
    backend = api.backend("sns", seed)
    subscription = backend.subscribe(topic_arn, str(properties["Endpoint"]), str(properties["Protocol"]))
    for name, value in chosen(properties, _SUBSCRIPTION_ATTRIBUTES).items():
        backend.set_subscription_attributes(subscription.arn, name, as_text(value))


TOPIC: Final = Seeder(_create_topic, _delete_topic, _connect_topic)
SUBSCRIPTION: Final = Seeder(_create_subscription, _delete_subscription, _connect_subscription)
