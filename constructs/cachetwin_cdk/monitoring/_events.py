"""EventBridge rules for events of caches.

ElastiCache sends events of serverless caches to EventBridge. Events of caches on nodes go to an SNS topic
(``notification_topic``); EventBridge receives only the API calls on them, through CloudTrail. Delivery is best effort in
both cases.
"""

from aws_cdk import aws_events as events
from constructs import Construct

from cachetwin_cdk.checks._validate import require_match

_SOURCE = "aws.elasticache"


class ApiEvents:
    """The method ``on_api_call`` of every resource that API calls can name."""

    @property
    def _api_parameter(self) -> tuple[str, str]:
        """The request parameter that names the resource, and its value."""
        raise NotImplementedError

    def on_api_call(
        self, construct_id: str, *event_names: str, target: events.IRuleTarget | None = None
    ) -> events.Rule:
        """Send the named API calls on this resource, such as ``"ModifyReplicationGroup"``, to ``target``, or all.

        Needs a CloudTrail trail in the account. Failovers and replaced nodes are events of ``notification_topic``.
        """
        parameter, value = self._api_parameter
        assert isinstance(self, Construct)  # noqa: S101  (mixed into constructs only)
        return api_call_rule(
            self, construct_id, parameter=parameter, value=value, event_names=event_names, target=target
        )


def service_event_rule(
    scope: Construct, construct_id: str, detail_types: list[str], arn: str, target: events.IRuleTarget | None
) -> events.Rule:
    """A rule for events that the service sends about the resource ``arn``."""
    return events.Rule(
        scope,
        construct_id,
        event_pattern=events.EventPattern(source=[_SOURCE], detail_type=detail_types, resources=[arn]),
        targets=[target] if target is not None else None,
    )


def api_call_rule(
    scope: Construct,
    construct_id: str,
    *,
    parameter: str,
    value: str,
    event_names: tuple[str, ...],
    target: events.IRuleTarget | None,
) -> events.Rule:
    """A rule for API calls whose request has ``value`` in ``parameter``; all calls unless some are named."""
    for name in event_names:
        require_match(
            "event_names",
            name,
            r"[A-Z][A-Za-z]+",
            "be names of API calls",
            remedy="write them as ModifyReplicationGroup",
        )
    detail: dict[str, object] = {
        "eventSource": ["elasticache.amazonaws.com"],
        "requestParameters": {parameter: [value]},
    }
    if event_names:
        detail["eventName"] = list(event_names)
    return events.Rule(
        scope,
        construct_id,
        event_pattern=events.EventPattern(source=[_SOURCE], detail_type=["AWS API Call via CloudTrail"], detail=detail),
        targets=[target] if target is not None else None,
    )
