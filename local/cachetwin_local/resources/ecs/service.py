"""AWS::ECS::Service: its tasks run as processes on this machine, each with a loopback address of its own."""

from dataclasses import replace
from urllib.parse import urlsplit

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Resource, Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import name_fields
from cachetwin_local.settings import ServiceSettings
from cachetwin_local.topology.address_plan import LOCALHOST, AddressPlan
from cachetwin_local.topology.references import dependencies_of
from cachetwin_local.topology.values import Container, ContainerImage, Service, TaskAddress

from .discovery import discovery_names
from .task_definition import cannot_run, containers, image_of

__all__ = ["cpu_and_memory", "describe", "names_of", "runnable", "translate", "with_settings"]

DESIRED_COUNT_MAX = 50
"""The most tasks of a service that a laptop can be expected to run; a larger count is most likely a mistake."""


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """``Ref`` gives the ARN, which holds the cluster's name."""
    properties, fields = Properties.of(resolved), name_fields(resolved, stack)
    name = properties.string("ServiceName", f"{stack.name_on_aws}-{fields['logical_id']}-{fields['suffix']}")
    cluster = _cluster_name(properties)
    arn = f"arn:{fields['partition']}:ecs:{stack.region}:{stack.account}:service/{cluster}/{name}"
    return Description(arn, name, arn, {"Name": name, "ServiceArn": arn})


def translate(context: Context, resolved: Resolved) -> Translation:
    """The service with the containers of its task definition."""
    properties, key = Properties.of(resolved), resolved.resource.key
    task_definition_arn = properties.string("TaskDefinition")
    task_definition = context.find("AWS::ECS::TaskDefinition", task_definition_arn, resolved.resource.stack)
    if task_definition is None:
        raise properties.where.child("TaskDefinition").error(
            f"must name a task definition of this app, got {task_definition_arn}"
        )
    settings = context.settings.service(*names_of(resolved.resource))
    count = properties.integer("DesiredCount", 1) if settings.tasks is None else settings.tasks
    if not 0 <= count <= DESIRED_COUNT_MAX:
        raise properties.where.child("DesiredCount").error(
            f"must be between 0 and {DESIRED_COUNT_MAX} here, got {count}"
        )
    members = with_settings(context, resolved, containers(context, task_definition))
    if settings.url is not None:
        members, count = (), 1
    kept = runnable(context, key, members)
    if isinstance(kept, str):
        return Translation((), kept, "not supported")
    members = kept
    cpu_units, memory_mb = cpu_and_memory(task_definition)
    service = Service(
        identity=context.identity(key),
        cluster=_cluster_name(properties),
        task_definition=task_definition_arn,
        desired_count=count,
        tasks=_where_it_runs(settings.url, task_definition, context)
        if settings.url
        else tuple(_task_address(context.address_plan, key, index, members) for index in range(count)),
        containers=members,
        security_groups=properties.object("NetworkConfiguration")
        .object("AwsvpcConfiguration")
        .strings("SecurityGroups"),
        depends_on=tuple(sorted(dependencies_of(context.graph, task_definition.resource.key))),
        task_role=Properties.of(task_definition).string("TaskRoleArn", ""),
        health_check_grace_s=properties.integer("HealthCheckGracePeriodSeconds", 0),
        cpu_units=cpu_units,
        memory_mb=memory_mb,
        discovery_names=discovery_names(context, key, properties, members),
    )
    return Translation((service,), f"{settings.url}, which you run" if settings.url else _note(service))


def runnable(context: Context, key: str, members: tuple[Container, ...]) -> tuple[Container, ...] | str:
    """The containers that run here, or why those that are essential do not. `key` is named in problems."""
    images = {one.name: image_of(context, one) for one in members}
    reasons = {one.name: reason for one in members if (reason := cannot_run(one, images[one.name]))}
    essential = [reasons[one.name] for one in members if one.essential and one.name in reasons]
    if essential:
        return "; ".join(essential)
    for reason in reasons.values():
        context.problem("warning", key, f"{reason}: it is left out, as it is not essential")
    members = tuple(one for one in members if one.name not in reasons)
    for one in members:
        image = images[one.name]
        for note in image.notes if image and not one.image.in_place else ():
            context.problem(
                "warning", key, f"container {one.name} has from this machine what its Dockerfile installs: {note}"
            )
    return members


def with_settings(context: Context, resolved: Resolved, members: tuple[Container, ...]) -> tuple[Container, ...]:
    """The containers as cachetwin.toml has them for the service or the task definition `resolved`."""
    settings = context.settings.service(*names_of(resolved.resource))
    return _with_settings(members, settings, _log_level(context, resolved))


def cpu_and_memory(task_definition: Resolved) -> tuple[int, int]:
    """The units of processor and the megabytes that a task reserves."""
    return _units(task_definition, "Cpu", "vcpu"), _units(task_definition, "Memory", "gb")


def names_of(resource: Resource) -> tuple[str, str, str]:
    """The names under which cachetwin.toml may know a resource."""
    return resource.key, resource.path.removesuffix("/Resource").removesuffix("/Service"), resource.logical_id


def _units(task_definition: Resolved, name: str, large: str) -> int:
    """What a task reserves, in 1024ths of a processor or megabytes; 0 where it is not said in a form of the service."""
    text = Properties.of(task_definition).string(name, "0").lower().replace(" ", "")
    try:
        return int(1024 * float(text.removesuffix(large))) if text.endswith(large) else int(text)
    except ValueError:
        return 0


def _log_level(context: Context, resolved: Resolved) -> str | None:
    return context.settings.log_level(*names_of(resolved.resource))


def _with_settings(
    members: tuple[Container, ...], settings: ServiceSettings, log_level: str | None
) -> tuple[Container, ...]:
    """The containers with the variables of cachetwin.toml, or the user's own process in their place."""
    more = {**({} if log_level is None else {"LOG_LEVEL": log_level}), **settings.environment}
    members = tuple(replace(one, environment={**one.environment, **more}) for one in members)
    if settings.process is None or not members:
        return members
    main = next((one for one in members if one.essential and one.port_mappings), members[0])
    own = replace(
        main,
        image=ContainerImage("your own process", str(settings.folder), in_place=True),
        command=("/bin/sh", "-c", settings.process),
        entry_point=(),
        working_directory=None,
        health_check=None,
        depends_on=(),
    )
    return (own,)


def _where_it_runs(url: str, task_definition: Resolved, context: Context) -> tuple[TaskAddress, ...]:
    """The one task of a service that the user runs: every container port is the port of the URL."""
    at = urlsplit(url)
    ports = [port.container_port for one in containers(context, task_definition) for port in one.port_mappings]
    return (TaskAddress(at.hostname or LOCALHOST, dict.fromkeys(ports, at.port or 80)),)


def _cluster_name(properties: Properties) -> str:
    return properties.string("Cluster", "default").rpartition("/")[2]


def _task_address(address_plan: AddressPlan, key: str, index: int, members: tuple[Container, ...]) -> TaskAddress:
    ports = {}
    for mapping in (mapping for container in members for mapping in container.port_mappings):
        if address_plan.loopback == "shared":
            ports[mapping.container_port] = address_plan.endpoint(
                f"{key}/task-{index}/{mapping.container_port}", mapping.container_port
            )[1]
        else:
            ports[mapping.container_port] = mapping.container_port
    return TaskAddress(address_plan.address(f"{key}/task-{index}"), ports)


def _note(service: Service) -> str:
    tasks = "1 task as a process" if service.desired_count == 1 else f"{service.desired_count} tasks as processes"
    images = [_short(container.image) for container in service.containers]
    return f"{tasks}, from {', '.join(images)}"


def _short(image: ContainerImage) -> str:
    """The folder's name; a hash in it is cut to what tells images apart."""
    if image.directory is None or image.asset_hash is None:
        return image.name
    return image.directory.replace(image.asset_hash, image.asset_hash[:12])
