"""From an assembly to a topology: resolve the chosen stacks, translate each resource, check the paths between them."""

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final, TypeVar

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import GivenValues
from cachetwin_local.assembly.template import Assembly, Resource, Stack
from cachetwin_local.assembly.where import Where
from cachetwin_local.errors import UserError
from cachetwin_local.resources.apigateway import rest_api as apigateway_rest_api
from cachetwin_local.resources.apigatewayv2 import api as apigatewayv2_api
from cachetwin_local.resources.aws_api.shapes import SHAPES as AWS_API_SHAPES
from cachetwin_local.resources.aws_api.translator import aws_api_address
from cachetwin_local.resources.context import NOT_READABLE, Context, Translation, resource_identity
from cachetwin_local.resources.elasticache import node_groups as elasticache_node_groups
from cachetwin_local.resources.elbv2 import listener as elbv2_listener
from cachetwin_local.resources.iam.grants import grants_of
from cachetwin_local.resources.iam.role import role_of
from cachetwin_local.resources.lambda_ import url as lambda_url
from cachetwin_local.resources.modelled import shape_of
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.property_lists import PROPERTY_LISTS, is_needed
from cachetwin_local.resources.rds import database as rds_database
from cachetwin_local.resources.translators import TRANSLATORS, describer, translator_of
from cachetwin_local.settings import FILE_NAME, Settings
from cachetwin_local.topology.address_plan import AddressPlan, Loopback
from cachetwin_local.topology.aws_api import AWS_API_PORT, AwsApi, AwsResource
from cachetwin_local.topology.values import (
    Coverage,
    Database,
    Endpoint,
    Function,
    GlobalDatastore,
    HttpApi,
    Identity,
    LoadBalancer,
    MemcachedCluster,
    Output,
    Problem,
    ReplicationGroup,
    Role,
    ScalableTarget,
    ScalingPolicy,
    Secret,
    Service,
    TargetGroup,
    Text,
    Topology,
    secrets_in,
)

from .choice import Choice, check_names
from .deliveries import delivery_roles, warn_of_deliveries, warn_of_target_functions
from .paths import Server, check_paths
from .server_settings import is_cluster, with_settings
from .tags import tags_of

T = TypeVar("T")
LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
REPLICATION_GROUP = "AWS::ElastiCache::ReplicationGroup"
ENDPOINTS: Final[Mapping[str, tuple[int, tuple[str, ...]]]] = {
    "AWS::ElastiCache::CacheCluster": (elasticache_node_groups.PORT, ("primary",)),
    "AWS::ElastiCache::ServerlessCache": (elasticache_node_groups.PORT, ("primary",)),
    REPLICATION_GROUP: (elasticache_node_groups.PORT, ("primary", "reader")),
    "AWS::RDS::DBCluster": (0, ("endpoint",)),
    "AWS::RDS::DBInstance": (0, ("endpoint",)),
}
"""The default port (0: that of its engine) and the endpoints' names of each type that has endpoints."""
FRONTS: Final = {
    apigatewayv2_api.API: apigatewayv2_api.api_address,
    apigateway_rest_api.REST_API: apigateway_rest_api.rest_api_address,
    lambda_url.URL: lambda_url.url_address,
}
"""What gives the types that people open in a browser, and that need no other value for it, their address."""


def plan(
    assembly: Assembly,
    *,
    stacks: Sequence[str] | None = None,
    project: str = "app",
    loopback: Loopback = "per-endpoint",
    parameters: Mapping[str, str] | None = None,
    settings: Settings | None = None,
    choice: Choice | None = None,
    ports: Mapping[str, int] | None = None,
    aws_endpoint: str | None = None,
    database_servers: frozenset[str] = frozenset({"postgres"}),
) -> Topology:
    """What should run here for the stacks named (all by default) and those they depend on.

    `stacks` are names, display names or patterns with ``*``. `project` keeps the addresses of two apps apart.
    `parameters` are template parameters by ``name`` or ``stack:name``; they go before those of `settings`. `ports` are
    remembered ports of 127.0.0.1, as an earlier topology has them. `aws_endpoint` is the URL of an emulator that gets
    the requests to AWS's services that do not run here. `database_servers` are those of this machine. Raises UserError
    when the templates do not resolve, and for a name in `settings` or `choice` that no resource has.
    """
    settings, choice = settings or Settings(), choice or Choice()
    chosen = select_stacks(assembly, stacks)
    address_plan = AddressPlan(project, loopback, ports)
    values_given = {**settings.parameters, **(parameters or {})}
    given = GivenValues(values_given, settings.imports, settings.ssm, settings.secrets, database_servers)
    graph = Graph(restrict_to(assembly, chosen), describer(address_plan), given, is_needed)
    _reserve(graph, address_plan, settings)
    context = Context(assembly, graph, address_plan, settings)
    values, coverage = _translate(context, chosen)
    values = [*values, *_given_secrets(context)]
    _drop_without_secrets(context, values, coverage)
    _check_settings(settings, values, graph)
    values = [with_settings(value, settings) for value in values]
    not_running = [one.identity for one in coverage if one.status in {"not readable", "not supported"}]
    left_out = choice.left_out(values, settings, not_running)
    values = [value for value in values if _key(value) not in left_out]
    coverage = [replace(one, status="left out") if one.identity.key in left_out else one for one in coverage]
    functions, apis = _values_of(Function, values), _values_of(HttpApi, values)
    services, balancers, targets = (
        _values_of(Service, values),
        _values_of(LoadBalancer, values),
        _values_of(TargetGroup, values),
    )
    groups, databases = _values_of(ReplicationGroup, values), _values_of(Database, values)
    clusters = _values_of(MemcachedCluster, values)
    servers: list[Server] = [*groups, *clusters, *databases]
    paths = check_paths(
        context,
        [*(one for one in services if one.security_groups or not one.on_demand), *functions],
        balancers,
        targets,
        {server.identity.key: server for server in servers},
    )
    _warn_of_transforms(context, chosen)
    users: list[Service | Function | HttpApi] = [*services, *functions, *apis]
    for user in users:
        for key in left_out & set(user.depends_on):
            context.problem("warning", user.identity.key, f"needs {key}, which is left out")
    calling = bool(services or functions or any(api.aws_roles for api in apis))
    coverage = [_answered(one, calling, aws_endpoint) for one in coverage]
    absent = {one.identity.key: one.note for one in coverage if one.status in {"not supported", "not readable"}}
    _warn_about_missing_values(context, services, absent)
    deliveries = delivery_roles(_values_of(AwsResource, values))
    deliveries += [(role, api.identity) for api in apis for role in api.aws_roles]
    roles = _roles(context, services, functions, deliveries)
    grants = grants_of(context)
    warn_of_deliveries(context, _values_of(AwsResource, values), functions, roles, grants)
    warn_of_target_functions(context, targets, functions, roles, grants)
    _warn_about_missing_variables(context, functions, absent)
    return Topology(
        project=project,
        region=chosen[0].region,
        account=chosen[0].account,
        loopback=loopback,
        stacks=tuple(stack.name for stack in chosen),
        replication_groups=groups,
        memcached_clusters=clusters,
        global_datastores=_global_datastores(context, values, groups),
        databases=databases,
        secrets=_values_of(Secret, values),
        services=services,
        functions=functions,
        http_apis=apis,
        load_balancers=balancers,
        aws_api=_aws_api(address_plan, values, aws_endpoint) if calling else None,
        metrics_interval_s=settings.metrics_every_s,
        target_groups=targets,
        roles=roles,
        grants=grants,
        scalable_targets=_values_of(ScalableTarget, values),
        scaling_policies=_values_of(ScalingPolicy, values),
        tags=tags_of(context),
        paths=paths,
        coverage=tuple(coverage),
        problems=_unique(problem for problem in context.problems if problem.identity.key not in left_out),
        outputs=_with_addresses(_outputs(graph, chosen, absent), apis),
        missing=graph.stand_ins.all(),
        ports=dict(address_plan.ports),
    )


def _translate(context: Context, chosen: Iterable[Stack]) -> tuple[list[object], list[Coverage]]:
    values: list[object] = []
    coverage: list[Coverage] = []
    for resource in (resource for stack in chosen for resource in stack.resources.values()):
        try:
            if not context.graph.exists(resource):
                continue
            translation = _translation(context, resource)
            identity = context.identity(resource.key)
        except UserError as error:
            reason = context.cannot_read(resource, error)
            unread = Identity(resource.stack, resource.logical_id, resource.type, resource.path, "", "")
            coverage.append(Coverage(unread, "not readable", reason))
            continue
        values.extend(translation.values)
        if translation.status == "twinned":
            _warn_of_unmet(context, resource)
        coverage.append(Coverage(identity, translation.status, translation.note))
    return values, coverage


def _warn_of_unmet(context: Context, resource: Resource) -> None:
    """Say which properties of a resource that runs change nothing here, though they do on AWS."""
    listed = PROPERTY_LISTS.get(resource.type)
    for path, reason in listed.unmet(context.graph.resolved(resource.key).properties) if listed else ():
        context.problem("warning", resource.key, f"{path}: {reason}")


def _translation(context: Context, resource: Resource) -> Translation:
    """The translation of one resource. Raises UserError where it cannot be read."""
    resolved = context.graph.resolved(resource.key)
    translator = translator_of(resource.type)
    if translator is None:
        shape = shape_of(resource.type)
        return Translation((), shape.note, shape.status)
    return translator.translate(context, resolved)


def select_stacks(assembly: Assembly, names: Sequence[str] | None) -> list[Stack]:
    """The stacks with these names and all that they depend on, nested stacks included, in the order of deployment."""
    top = [stack for stack in assembly.stacks.values() if stack.parent is None]
    if not top:
        raise UserError("the app has no stack: synthesise one with at least one resource")
    wanted: set[str] = {stack.name for stack in top}
    if names:
        wanted = set()
        for name in names:
            found = {
                stack.name
                for stack in top
                if any(fnmatch.fnmatchcase(own, name) for own in (stack.name, stack.name_on_aws, stack.display_name))
            }
            if not found:
                allowed = ", ".join(stack.display_name for stack in top)
                raise UserError(f"stack must be one of {allowed}, got {name}")
            wanted |= found
    for stack in reversed(list(assembly.stacks.values())):
        if stack.name in wanted:
            wanted.update(stack.dependencies)
    for stack in assembly.stacks.values():
        if stack.parent in wanted:
            wanted.add(stack.name)
    return [stack for stack in assembly.stacks.values() if stack.name in wanted]


def restrict_to(assembly: Assembly, chosen: Iterable[Stack]) -> Assembly:
    """The assembly with these stacks alone."""
    return Assembly({stack.name: stack for stack in chosen}, assembly.docker_assets, assembly.file_assets)


def _reserve(graph: Graph, address_plan: AddressPlan, settings: Settings) -> None:
    """Give out addresses in the order of the endpoints' names, so that they do not depend on the order of references."""
    for resource in sorted(graph.resources_of_type(*ENDPOINTS, LISTENER), key=lambda r: r.key):
        _move(address_plan, resource, settings)
        with suppress(UserError):  # what cannot be read is reported when it is translated
            _reserve_one(graph, address_plan, resource)
    for resource in sorted(graph.resources_of_type(*FRONTS), key=lambda r: r.key):
        _move(address_plan, resource, settings)
        FRONTS[resource.type](address_plan, resource)
    for resource in sorted(graph.resources_of_type(REPLICATION_GROUP), key=lambda r: r.key):
        with suppress(UserError):
            _reserve_nodes(graph, address_plan, resource)


def _move(address_plan: AddressPlan, resource: Resource, settings: Settings) -> None:
    port = settings.port(resource.key, resource.path.removesuffix("/Resource"), resource.logical_id)
    if port is not None:
        address_plan.move(resource.key, port)


def _reserve_one(graph: Graph, address_plan: AddressPlan, resource: Resource) -> None:
    if resource.type == LISTENER:
        elbv2_listener.listener_address(address_plan, graph, resource)
        return
    default, names = ENDPOINTS[resource.type]
    default = default or rds_database.default_port(graph.property(resource, "Engine"))
    where = Where(resource.stack, resource.logical_id)
    port = Properties({"Port": graph.property(resource, "Port")}, where).integer("Port", default)
    for name in names:
        address_plan.endpoint(f"{resource.key}/{name}", port)


def _reserve_nodes(graph: Graph, address_plan: AddressPlan, resource: Resource) -> None:
    """After the endpoints that people type: where all share one address, these keep their ports."""
    names = ("Port", "NumNodeGroups", "NodeGroupConfiguration", "ReplicasPerNodeGroup")
    values = {name: graph.property(resource, name) for name in names}
    properties = Properties(values, Where(resource.stack, resource.logical_id))
    port = properties.integer("Port", elasticache_node_groups.PORT)
    for name in elasticache_node_groups.node_endpoint_names(resource.key, properties):
        address_plan.endpoint(name, port)


def _aws_api(address_plan: AddressPlan, values: Iterable[object], forward_to: str | None) -> AwsApi:
    """The endpoint of AWS's APIs, with the resources that the templates define."""
    address, port = aws_api_address(address_plan)
    return AwsApi(Endpoint(address, port, AWS_API_PORT), _values_of(AwsResource, values), forward_to)


def _answered(one: Coverage, called: bool, aws_endpoint: str | None) -> Coverage:  # noqa: FBT001  (one caller, which says it)
    """The coverage of a resource, where it depends on what answers AWS's APIs here."""
    if one.identity.type in AWS_API_SHAPES and one.status == "twinned" and not called:
        return replace(one, status="modelled", note="no function, service or API here could use it")
    if one.status == "not supported" and aws_endpoint is not None and one.identity.type not in TRANSLATORS:
        return replace(one, note=f"{one.note}; {aws_endpoint} answers calls of its service, and does not have it")
    return one


def _roles(
    context: Context,
    services: Iterable[Service],
    functions: Iterable[Function],
    deliveries: Iterable[tuple[str, Identity]],
) -> tuple[Role, ...]:
    """The roles of what runs and of what delivers, each once."""
    users = [(one.task_role, one.identity) for one in services] + [(one.role, one.identity) for one in functions]
    users += deliveries
    found: dict[str, Role] = {}
    for arn, user in users:
        if arn and arn not in found:
            found[arn] = role_of(context, arn, user.stack, user.key)
    return tuple(found.values())


def _values_of(kind: type[T], values: Iterable[object]) -> tuple[T, ...]:
    return tuple(value for value in values if isinstance(value, kind))


def _global_datastores(
    context: Context, values: list[object], groups: Iterable[ReplicationGroup]
) -> tuple[GlobalDatastore, ...]:
    """The global datastores with the members that run."""
    keys = {group.identity.key for group in groups}
    for group in groups:
        if group.follows and group.follows not in keys:
            context.problem(
                "warning", group.identity.key, f"follows {group.follows}, which is left out: it stays empty"
            )
    found = (
        replace(one, members=tuple(member for member in one.members if member.group in keys))
        for one in _values_of(GlobalDatastore, values)
    )
    return tuple(one for one in found if one.members)


def _unique(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    seen: dict[tuple[str, str], Problem] = {}
    for problem in problems:
        seen.setdefault((problem.identity.key, problem.message), problem)
    return tuple(sorted(seen.values(), key=lambda problem: problem.severity))


def _outputs(graph: Graph, chosen: Iterable[Stack], absent: Mapping[str, str]) -> tuple[Output, ...]:
    """The outputs of the stacks; those of nested stacks are only for their parents."""
    found = []
    for stack in (stack for stack in chosen if stack.parent is None):
        for name in stack.outputs:
            try:
                output = graph.output(stack.name, name)
                export_name = graph.export_name(stack.name, name)
            except UserError as error:
                cause = graph.cause(error)
                reason = f"needs {cause}, which cannot be read" if cause else f"cannot be read: {error}"
                found.append(Output(stack.name, name, "", note=reason))
                continue
            if output is not None:
                missing = sorted({r.target for r in output.references} & absent.keys())
                note = f"{', '.join(missing)}: not running here" if missing else ""
                found.append(Output(stack.name, name, output.value, output.description, export_name, note))
    return tuple(found)


def _with_addresses(outputs: Iterable[Output], apis: Iterable[HttpApi]) -> tuple[Output, ...]:
    """The outputs, where the URL of a REST API on AWS is in them with its address here."""
    places = {f"https://{api.host}": f"http://{api.endpoint.address}:{api.endpoint.port}" for api in apis}

    def here(output: Output) -> Output:
        value = output.value
        for there, address in places.items():
            value = value.replace(there, address) if isinstance(value, str) else value
        return replace(output, value=value)

    return tuple(here(output) for output in outputs)


def _warn_of_transforms(context: Context, chosen: Iterable[Stack]) -> None:
    """Say which templates lack what a transform of the service would add."""
    for stack in chosen:
        for name in stack.transforms:
            owner = Identity(stack.name, "Transform", "AWS::CloudFormation::Macro", name, name, "")
            message = f"{name} runs on AWS only: what it would add to the template or change in it is missing here"
            context.problems.append(Problem("warning", owner, message))


def _given_secrets(context: Context) -> list[Secret]:
    """The secrets of cachetwin.toml that the templates use."""
    found = []
    for arn, (name, value) in context.graph.given_secrets.items():
        identity = Identity(FILE_NAME, name, "AWS::SecretsManager::Secret", name, name, arn)
        found.append(Secret(identity, name, None, value))
    return found


def _drop_without_secrets(context: Context, values: list[object], coverage: list[Coverage]) -> None:
    """Take out what needs a secret that no stack of this app defines and cachetwin.toml does not give."""
    known = {secret.identity.arn for secret in _values_of(Secret, values)}
    reasons: dict[str, str] = {}
    for owner, text in _texts(values):
        for reference in secrets_in(text):
            if reference.secret_arn not in known:
                reason = (
                    f"must use secrets that a stack of this app defines, got {reference.secret_arn}; give its value under "
                    "[secrets] in cachetwin.toml"
                )
                stack, _, logical_id = owner.partition("/")
                where = Where(stack, logical_id)
                with suppress(UserError):
                    context.graph.stand_ins.need(
                        context.graph.stand_ins.make("secret", reference.secret_arn, reason, where), where
                    )
                reasons.setdefault(owner, reason)
    for owner, reason in reasons.items():
        context.problem("warning", owner, f"{NOT_READABLE}{reason}")
    values[:] = [value for value in values if _key(value) not in reasons]
    for index, one in enumerate(coverage):
        if one.identity.key in reasons:
            coverage[index] = replace(one, status="not readable", note=reasons[one.identity.key])


def _check_settings(settings: Settings, values: Iterable[object], graph: Graph) -> None:
    """Every name of cachetwin.toml must be one of a resource that can have what is said of it."""
    services = [
        resource_identity(one) for one in graph.resources_of_type("AWS::ECS::Service", "AWS::ECS::TaskDefinition")
    ]
    fronts = [resource_identity(one) for one in graph.resources_of_type(LISTENER, *FRONTS)]
    servers = [value.identity for value in values if isinstance(value, Server)]
    check_names("services", settings.services, services)
    check_names("ports", settings.ports, [*servers, *fronts])
    check_names("log-levels", settings.log_levels, [*servers, *services])
    clusters = [value.identity for value in values if isinstance(value, ReplicationGroup) and is_cluster(value)]
    check_names("cluster-nodes", settings.cluster_nodes, clusters)


def _key(value: object) -> str:
    return value.identity.key if isinstance(value, Server | Service | Function | HttpApi | LoadBalancer) else ""


def _texts(values: Iterable[object]) -> Iterable[tuple[str, Text]]:
    for value in values:
        if isinstance(value, Service):
            for container in value.containers:
                yield from ((value.identity.key, text) for text in container.environment.values())
        elif isinstance(value, Function):
            yield from ((value.identity.key, text) for text in value.environment.values())
        elif isinstance(value, Database):
            yield value.identity.key, value.username
            yield value.identity.key, value.password
        elif isinstance(value, ReplicationGroup):
            yield value.identity.key, value.auth_token or ""
            yield from ((value.identity.key, password) for user in value.users for password in user.passwords)


def _warn_about_missing_variables(context: Context, functions: Iterable[Function], absent: Mapping[str, str]) -> None:
    """Say which of a function's variables come from something that does not run here."""
    for function in functions:
        for reference in context.graph.resolved(function.identity.key).references:
            match reference.path:
                case ("Environment", "Variables", str(name), *_) if reference.target in absent:
                    message = (
                        f"{name} comes from {reference.target}, which does not run here: {absent[reference.target]}"
                    )
                    context.problem("warning", function.identity.key, message)


def _warn_about_missing_values(context: Context, services: Iterable[Service], absent: Mapping[str, str]) -> None:
    """Say which of a service's variables come from something that does not run here."""
    for service in services:
        definition = context.find("AWS::ECS::TaskDefinition", service.task_definition, service.identity.stack)
        for reference in definition.references if definition else ():
            if reference.target not in absent or reference.path[:1] != ("ContainerDefinitions",):
                continue
            match reference.path:
                case (_, int(container), ("Environment" | "Secrets") as kind, int(index), *_):
                    entry = definition.properties["ContainerDefinitions"][container][kind][index] if definition else {}
                    name = entry.get("Name", "a variable")
                    message = (
                        f"{name} comes from {reference.target}, which does not run here: {absent[reference.target]}"
                    )
                    context.problem("warning", service.identity.key, message)
