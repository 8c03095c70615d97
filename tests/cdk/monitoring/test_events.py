"""EventBridge rules: which events of which cache."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sns as sns

from cachetwin_cdk import MemcachedCluster, ReplicationGroup, ServerlessCache, ValidationError

Properties = Callable[[str], dict[str, Any]]
RULE = "AWS::Events::Rule"


@pytest.mark.parametrize(
    ("method", "detail_type"),
    [
        ("on_updated", "Cache Updated"),
        ("on_update_failed", "Cache Update Failed"),
        ("on_limit_approaching", "Cache Limit Approaching"),
    ],
)
def test_a_serverless_cache_tells_of_itself(
    stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties, method: str, detail_type: str
) -> None:
    cache = ServerlessCache(stack, "Cache", vpc=vpc)
    topic = sns.Topic(stack, "Topic")
    getattr(cache, method)("Rule", target=targets.SnsTopic(topic))
    rule = properties(RULE)
    assert rule["EventPattern"] == {
        "source": ["aws.elasticache"],
        "detail-type": [detail_type],
        "resources": [stack.resolve(cache.serverless_cache_arn)],
    }
    assert rule["Targets"][0]["Arn"] == stack.resolve(topic.topic_arn)


def test_without_names_every_event_of_the_cache_counts(stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties) -> None:
    ServerlessCache(stack, "Cache", vpc=vpc).on_event("Rule")
    assert len(properties(RULE)["EventPattern"]["detail-type"]) == 6


def test_an_event_that_does_not_exist_is_refused(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    with pytest.raises(ValidationError, match=r"detail_types must be one of Cache Created, .*got 'cache updated'"):
        ServerlessCache(stack, "Cache", vpc=vpc).on_event("Rule", "cache updated")


@pytest.mark.parametrize("kind", [ReplicationGroup, ServerlessCache, MemcachedCluster])
def test_calls_of_the_api_are_heard_of_every_kind(
    stack: cdk.Stack, vpc: ec2.IVpc, properties: Properties, kind: type[ReplicationGroup]
) -> None:
    kind(stack, "Cache", vpc=vpc).on_api_call("Rule", "TestFailover")
    pattern = properties(RULE)["EventPattern"]
    assert pattern["detail-type"] == ["AWS API Call via CloudTrail"]
    assert pattern["detail"]["eventName"] == ["TestFailover"]
    ((parameter, value),) = pattern["detail"]["requestParameters"].items()
    assert parameter in {"replicationGroupId", "serverlessCacheName", "cacheClusterId"}
    assert "Ref" in value[0]


def test_a_call_is_named_as_the_api_names_it(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc)
    with pytest.raises(ValidationError, match="event_names must be names of API calls, got 'test-failover'"):
        cache.on_api_call("Rule", "test-failover")
    cache.on_api_call("Any")
