"""The dashboard: a section for each cache, lines that follow its nodes."""

import json
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template

from cachetwin_cdk import CacheAlarms, CacheDashboard, MemcachedCluster, ReplicationGroup, ServerlessCache


def widgets_of(stack: cdk.Stack) -> list[dict[str, Any]]:
    (dashboard,) = Template.from_stack(stack).find_resources("AWS::CloudWatch::Dashboard").values()
    body = dashboard["Properties"]["DashboardBody"]
    text = "".join(part if isinstance(part, str) else f"<{next(iter(part.values()))}>" for part in body["Fn::Join"][1])
    widgets: list[dict[str, Any]] = json.loads(text)["widgets"]
    return widgets


def titles(widgets: list[dict[str, Any]]) -> list[str]:
    return [widget["properties"].get("title", "") for widget in widgets if widget["type"] == "metric"]


def test_a_replication_group_is_searched_for_its_members(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc)
    CacheDashboard(stack, "Dashboard", caches=[cache])
    widgets = widgets_of(stack)
    assert len(titles(widgets)) == 9
    load = next(widget for widget in widgets if widget["properties"].get("title") == "Engine load (percent)")
    ((line,),) = load["properties"]["metrics"]
    group = stack.resolve(cache.replication_group_id)["Ref"]
    assert line["expression"] == (
        f"SEARCH('{{AWS/ElastiCache,CacheClusterId}} MetricName=\"EngineCPUUtilization\" <{group}>', 'Maximum', 60)"
    )
    network = next(widget for widget in widgets if widget["properties"].get("title") == "Network (bytes)")
    assert "CacheClusterId,CacheNodeId" in network["properties"]["metrics"][0][0]["expression"]


def test_every_kind_of_cache_has_its_section(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    caches: list[ServerlessCache | MemcachedCluster] = [
        ServerlessCache(stack, "Serverless", vpc=vpc),
        MemcachedCluster(stack, "Pages", vpc=vpc),
    ]
    CacheDashboard(stack, "Dashboard", caches=caches)
    widgets = widgets_of(stack)
    assert [widget["type"] for widget in widgets].count("text") == 2
    assert {"Processing units", "Hits and misses"} <= set(titles(widgets))
    units = next(widget for widget in widgets if widget["properties"].get("title") == "Processing units")
    assert units["properties"]["metrics"][0][2] == "clusterId"


def test_alarms_stand_above_the_graphs(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    cache = ReplicationGroup(stack, "Cache", vpc=vpc)
    alarms = CacheAlarms(stack, "Alarms", cache=cache)
    CacheDashboard(stack, "Dashboard", caches=[cache], alarms=[alarms])
    top = widgets_of(stack)[0]
    assert top["type"] == "alarm"
    assert len(top["properties"]["alarms"]) == len(alarms.alarms)


def test_a_dashboard_that_exists_can_be_added_to(stack: cdk.Stack, vpc: ec2.IVpc) -> None:
    mine = cloudwatch.Dashboard(stack, "Mine")
    shown = CacheDashboard(stack, "Caches", caches=[MemcachedCluster(stack, "Pages", vpc=vpc)], dashboard=mine)
    assert shown.dashboard is mine
    Template.from_stack(stack).resource_count_is("AWS::CloudWatch::Dashboard", 1)
