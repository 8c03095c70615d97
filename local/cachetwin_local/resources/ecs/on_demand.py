"""AWS::ECS::TaskDefinition: a part of its services, or what rules, schedules and calls of RunTask start tasks of."""

from collections.abc import Iterator
from typing import Any

from cachetwin_local.assembly.resolved import Resolved
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.topology.references import dependencies_of
from cachetwin_local.topology.values import Service

from .service import cpu_and_memory, runnable, with_settings
from .task_definition import containers, describe

__all__ = ["describe", "translate"]

_SERVICE = "AWS::ECS::Service"
_RULE = "AWS::Events::Rule"
_SCHEDULE = "AWS::Scheduler::Schedule"


def translate(context: Context, resolved: Resolved) -> Translation:
    """A task definition that services run is a part of them; one that something else starts has tasks of its own."""
    properties, key = Properties.of(resolved), resolved.resource.key
    arn = context.graph.described(key).arn
    names = ", ".join(definition.string("Name") for definition in properties.objects("ContainerDefinitions"))
    used = any(service.properties.get("TaskDefinition") == arn for service in context.graph.readable(_SERVICE))
    starts = [given for given in _ecs_parameters(context) if given.get("TaskDefinitionArn") == arn]
    if used and not starts:
        return Translation((), f"{names}: run by its services, as processes")
    members = runnable(context, key, with_settings(context, resolved, containers(context, resolved)))
    if isinstance(members, str):
        return Translation((), members, "modelled" if used else "not supported")
    cpu_units, memory_mb = cpu_and_memory(resolved)
    task = Service(
        identity=context.identity(key),
        cluster="default",
        task_definition=arn,
        desired_count=0,
        tasks=(),
        containers=members,
        security_groups=tuple(dict.fromkeys(group for given in starts for group in _security_groups(given))),
        depends_on=tuple(sorted(dependencies_of(context.graph, key))),
        task_role=properties.string("TaskRoleArn", ""),
        cpu_units=cpu_units,
        memory_mb=memory_mb,
        on_demand=True,
    )
    by = "rules and schedules" if starts else "calls of RunTask"
    return Translation((task,), f"{names}: a task of it, as processes, starts when {by} ask for it")


def _ecs_parameters(context: Context) -> Iterator[dict[str, Any]]:
    """What the targets of rules and schedules say of tasks."""
    for resolved in context.graph.readable(_RULE, _SCHEDULE):
        target = resolved.properties.get("Target")
        targets = [target] if target is not None else resolved.properties.get("Targets")
        for one in targets if isinstance(targets, list) else []:
            given = one.get("EcsParameters") if isinstance(one, dict) else None
            if isinstance(given, dict):
                yield given


def _security_groups(given: dict[str, Any]) -> list[str]:
    network = given.get("NetworkConfiguration") or {}
    vpc = network.get("AwsVpcConfiguration") or network.get("AwsvpcConfiguration") or {}
    return [str(group) for group in vpc.get("SecurityGroups") or []]
