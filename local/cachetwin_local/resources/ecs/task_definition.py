"""AWS::ECS::TaskDefinition: the containers of a service's tasks, run as processes."""

import re

from cachetwin_local.assembly.dockerfile import Image, parse
from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import DockerAsset, Stack
from cachetwin_local.assembly.values.dynamic_references import parse_value_from
from cachetwin_local.assembly.values.text import SecretRef, Text
from cachetwin_local.assembly.where import Where
from cachetwin_local.resources.context import Context
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import name_fields
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.values import (
    Container,
    ContainerDependency,
    ContainerImage,
    HealthCheck,
    PortMapping,
    RestartPolicy,
)

CONDITIONS = ("START", "COMPLETE", "SUCCESS", "HEALTHY")
STOP_TIMEOUT_MAX_S = 120
"""The most that Fargate gives a container between SIGTERM and SIGKILL (ContainerDefinition, stopTimeout)."""
SSM_ARN = re.compile(r"arn:[^:]*:ssm:[^:]*:[^:]*:parameter(/.*)$")


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """``Ref`` gives the ARN of the first revision."""
    fields = name_fields(resolved, stack)
    family = Properties.of(resolved).string("Family", f"{stack.name_on_aws}{fields['logical_id']}")
    arn = f"arn:{fields['partition']}:ecs:{stack.region}:{stack.account}:task-definition/{family}:1"
    return Description(arn, family, arn, {"TaskDefinitionArn": arn})


def containers(context: Context, resolved: Resolved) -> tuple[Container, ...]:
    """The containers of a task."""
    definitions = Properties.of(resolved).objects("ContainerDefinitions")
    found = tuple(_container(context, definition) for definition in definitions)
    _check_dependencies(found, definitions)
    return found


def _check_dependencies(found: tuple[Container, ...], definitions: list[Properties]) -> None:
    """Refuse what the service refuses when a task definition is registered."""
    known = {container.name: container for container in found}
    for container, definition in zip(found, definitions, strict=True):
        for dependency, given in zip(container.depends_on, definition.objects("DependsOn"), strict=True):
            other = known.get(dependency.container_name)
            if other is None or other is container:
                names = ", ".join(name for name in known if name != container.name) or "none"
                raise given.where.child("ContainerName").error(
                    f"must be another container of the task ({names}), got {dependency.container_name}"
                )
            where, condition = given.where.child("Condition"), dependency.condition
            if condition not in CONDITIONS:
                raise where.error(f"must be one of {', '.join(CONDITIONS)}, got {condition}")
            if condition == "HEALTHY" and other.health_check is None:
                raise where.error(f"can be HEALTHY for a container with a HealthCheck, which {other.name} lacks")
            if condition in {"COMPLETE", "SUCCESS"} and other.essential:
                raise where.error(f"can be {condition} for a container that is not essential, which {other.name} is")
    left = dict(known)
    while left:
        free = [c for c in left.values() if not any(d.container_name in left for d in c.depends_on)]
        if not free:
            raise definitions[0].where.error(f"DependsOn must not be a circle, which {', '.join(left)} are")
        for container in free:
            del left[container.name]


def _container(context: Context, definition: Properties) -> Container:
    return Container(
        name=definition.string("Name"),
        image=_image(context, definition.string("Image")),
        essential=definition.boolean("Essential", default=True),
        command=definition.strings("Command") or None,
        entry_point=definition.strings("EntryPoint") or None,
        working_directory=definition.optional("WorkingDirectory"),
        environment=_environment(context, definition),
        port_mappings=tuple(_port(port) for port in definition.objects("PortMappings")),
        health_check=_health_check(definition.object("HealthCheck")) if "HealthCheck" in definition else None,
        log_group=definition.object("LogConfiguration").object("Options").optional("awslogs-group"),
        depends_on=tuple(
            ContainerDependency(other.string("ContainerName"), other.string("Condition"))
            for other in definition.objects("DependsOn")
        ),
        stop_timeout_s=min(definition.integer("StopTimeout", 30), STOP_TIMEOUT_MAX_S),
        start_timeout_s=definition.integer("StartTimeout") if "StartTimeout" in definition else None,
        restart_policy=_restart_policy(definition.object("RestartPolicy")),
    )


def _restart_policy(policy: Properties) -> RestartPolicy | None:
    if not policy.boolean("Enabled"):
        return None
    codes = policy.values.get("IgnoredExitCodes") or []
    if not isinstance(codes, list) or not all(str(code).isdecimal() for code in codes):
        raise policy.where.child("IgnoredExitCodes").error("must be a list of whole numbers")
    return RestartPolicy(tuple(int(str(code)) for code in codes), policy.integer("RestartAttemptPeriod", 300))


def image_of(context: Context, container: Container) -> Image | None:
    """What the Dockerfile of a container says; None where there is none to read."""
    asset = context.assembly.docker_assets.get(container.image.asset_hash or "")
    if asset is None or asset.dockerfile_text is None:
        return None
    return parse(asset.dockerfile_text, asset.target, asset.build_args)


def cannot_run(container: Container, image: Image | None) -> str | None:
    """Why a container cannot run as a process, or None."""
    if container.image.directory is None:
        return (
            f"container {container.name} must be made from a folder of the app with a Dockerfile to run here, "
            f"got the image {container.image.name}"
        )
    if container.image.in_place or image is None:
        return None
    if image.unmet:
        shown = "; ".join(image.unmet[:3]) + (f"; and {len(image.unmet) - 3} more" if len(image.unmet) > 3 else "")
        return f"container {container.name}: its Dockerfile asks for what a process cannot have: {shown}"
    own = container.entry_point, container.command, image.entry_point, image.command
    return None if any(own) else f"container {container.name} runs the command of its base image {image.base}"


def _image(context: Context, name: str) -> ContainerImage:
    asset = _asset(context, name)
    if asset is None:
        return ContainerImage(name)
    return ContainerImage(name, asset.directory, asset.dockerfile, asset.target, asset.build_args, asset.asset_hash)


def _asset(context: Context, image: str) -> DockerAsset | None:
    tag = image.rpartition(":")[2]
    assets = context.assembly.docker_assets.values()
    return next((asset for asset in assets if tag in {asset.tag, asset.asset_hash}), None)


def _environment(context: Context, definition: Properties) -> dict[str, Text]:
    environment: dict[str, Text] = {}
    for variable in definition.objects("Environment"):
        environment[variable.string("Name")] = variable.text("Value") or ""
    for secret in definition.objects("Secrets"):
        value_from = secret.string("ValueFrom")
        environment[secret.string("Name")] = _value_from(context, value_from, secret.where.child("ValueFrom"))
    return environment


def _value_from(context: Context, value_from: str, where: Where) -> Text:
    parameter = SSM_ARN.match(value_from)
    if parameter or not value_from.startswith("arn:"):
        value: Text | SecretRef = context.graph.ssm_parameter(parameter[1] if parameter else value_from, where)
    else:
        value = context.graph.by_arn(parse_value_from(value_from, where), where)
    context.graph.stand_ins.need(value, where)
    return (value,) if isinstance(value, SecretRef) else value


def _port(mapping: Properties) -> PortMapping:
    return PortMapping(mapping.integer("ContainerPort"), mapping.string("Protocol", "tcp"), mapping.optional("Name"))


def _health_check(check: Properties) -> HealthCheck:
    command = check.strings("Command")
    if len(command) < 2 or command[0] not in {"CMD", "CMD-SHELL"}:
        raise check.where.child("Command").error(f"must begin with CMD or CMD-SHELL, and a command, got {command}")
    return HealthCheck(
        command=command,
        interval_s=check.integer("Interval", 30),
        timeout_s=check.integer("Timeout", 5),
        retries=check.integer("Retries", 3),
        start_period_s=check.integer("StartPeriod", 0),
    )
