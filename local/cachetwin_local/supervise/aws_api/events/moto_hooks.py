"""moto hands over what a rule or a topic sends, so that it is sent once, and to functions too.

moto itself would send some of it: events to queues and log groups, messages to queues.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from .buses import Buses
from .topics import Published, Topics

__all__ = ["install"]


def install(module: str, loop: asyncio.AbstractEventLoop, buses: Buses, topics: Topics) -> None:
    """Take over what the service `module` of moto sends. Its calls come from threads, and `loop` is where it is sent."""

    def later(act: Callable[..., None], *arguments: Any) -> None:  # noqa: ANN401
        if not loop.is_closed():
            loop.call_soon_threadsafe(act, *arguments)

    if module == "events":
        _take_rules(buses, later)
    elif module == "sns":
        _take_subscriptions(topics, later)


def _take_rules(buses: Buses, later: Callable[..., None]) -> None:
    from moto.events.models import Rule  # noqa: PLC0415  (slow: only in a thread)

    archive = getattr(Rule, "sends_to_archive", Rule.send_to_targets)

    def send_to_targets(rule: Any, event: Any, transform_input: bool = True) -> None:  # noqa: ANN401, FBT001, FBT002  (moto's signature)
        if any(_is_archive(str(target.get("Arn", ""))) for target in rule.targets):
            archive(rule, event, transform_input)
        else:
            later(buses.received, rule, dict(event))

    Rule.sends_to_archive = archive  # type: ignore[attr-defined]
    Rule.send_to_targets = send_to_targets  # type: ignore[method-assign, assignment]


def _take_subscriptions(topics: Topics, later: Callable[..., None]) -> None:
    from moto.sns.models import Subscription  # noqa: PLC0415

    def publish(  # noqa: PLR0917  (moto's signature)
        subscription: Any,  # noqa: ANN401
        message: str,
        message_id: str,
        subject: str | None = None,
        message_attributes: dict[str, Any] | None = None,
        group_id: str | None = None,
        deduplication_id: str | None = None,
        message_structure: str | None = None,
    ) -> None:
        published = Published(
            message, message_id, subject, message_attributes, group_id, deduplication_id, message_structure
        )
        later(topics.deliver, subscription, published)

    Subscription.publish = publish  # type: ignore[method-assign, assignment]


def _is_archive(arn: str) -> bool:
    """Whether a target is moto's own for archives: an ARN of the service without a resource."""
    parts = arn.split(":")
    return len(parts) >= 6 and parts[2] == "events" and not "".join(parts[5:])
