"""What happens to a cache, as EventBridge rules.

ElastiCache tells EventBridge of serverless caches itself. Of caches on nodes it tells an SNS topic
(``notification_topic``), and EventBridge hears only of the API's calls, through CloudTrail. Both are delivered as best
AWS can, not for certain.
"""

from aws_cdk import aws_events as events
from constructs import Construct

from cachetwin_cdk.checks._validate import require_match

_SOURCE = "aws.elasticache"


class ApiEvents:
    """``on_api_call`` for every resource that calls of the API name."""

    @property
    def _api_parameter(self) -> tuple[str, str]:
        """The parameter of the API that names the resource, and its name there."""
        raise NotImplementedError

    def on_api_call(
        self, construct_id: str, *event_names: str, target: events.IRuleTarget | None = None
    ) -> events.Rule:
        """Tell ``target`` of calls of the API on this resource, such as ``"ModifyReplicationGroup"``, or of any.

        Needs a CloudTrail trail in the account. Failovers and replaced nodes are told to a cache's ``notification_topic``.
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
    """A rule for calls of the API that name the cache in ``parameter``; all calls unless some are named."""
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
