"""AWS::RDS::DBCluster of Aurora, PostgreSQL and MySQL: one server that stands for writer and readers."""

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import generated_name, name_fields, placeholder_attribute
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.values import Database

from .database import (
    credentials_of,
    endpoint_of,
    forces_tls,
    managed_secret_arn,
    parameters_of,
    server_parameters,
    warn_of_tokens,
)
from .engines import CLUSTERS, missing_server


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """Writer and reader endpoint are the loopback address that the server has here."""
    properties, fields = Properties.of(resolved), name_fields(resolved, stack)
    name = properties.string("DBClusterIdentifier", generated_name(fields, 63)).lower()
    arn = f"arn:{fields['partition']}:rds:{stack.region}:{stack.account}:cluster:{name}"
    if _unsupported(graph, properties):
        return Description(
            name, name, arn, {"DBClusterArn": arn}, lambda attribute: placeholder_attribute(fields, attribute)
        )
    endpoint = endpoint_of(address_plan, resolved, properties, name, stack)
    attributes = {
        "Endpoint.Address": endpoint.address,
        "Endpoint.Port": str(endpoint.port),
        "ReadEndpoint.Address": endpoint.address,
        "DBClusterArn": arn,
        "DBClusterResourceId": f"cluster-{fields['suffix']}",
    }
    if properties.boolean("ManageMasterUserPassword"):
        attributes["MasterUserSecret.SecretArn"] = managed_secret_arn(resolved, stack, "cluster")
    return Description(name, name, arn, attributes)


def translate(context: Context, resolved: Resolved) -> Translation:
    """The server, and the secret that RDS itself makes where the template asks it to manage the password."""
    properties, identity = Properties.of(resolved), context.identity(resolved.resource.key)
    reason = _unsupported(context.graph, properties)
    if reason:
        return Translation((), reason, "not supported")
    engine = CLUSTERS[properties.string("Engine")]
    version = properties.string("EngineVersion", engine.version)
    group = properties.optional("DBClusterParameterGroupName")
    parameters = parameters_of(context, resolved, "AWS::RDS::DBClusterParameterGroup", group)
    username, password, managed = credentials_of(properties, identity)
    stack = context.graph.stack(resolved.resource.stack)
    database = Database(
        identity=identity,
        engine=engine.server,
        engine_version=version,
        db_name=properties.optional("DatabaseName"),
        username=username,
        password=password,
        endpoint=endpoint_of(context.address_plan, resolved, properties, identity.physical_name, stack),
        force_ssl=forces_tls(parameters, version, engine),
        parameters=server_parameters(parameters, engine),
        security_groups=properties.strings("VpcSecurityGroupIds"),
        iam_authentication=warn_of_tokens(context, resolved, properties, engine),
        create_only=properties.as_json("DBSubnetGroupName EngineMode KmsKeyId SnapshotIdentifier StorageEncrypted"),
    )
    address = f"{database.endpoint.address}:{database.endpoint.port}"
    note = f"{engine.name} on {address} stands for {properties.string('Engine')}, its reader endpoint too"
    return Translation((database, *managed), note)


def _unsupported(graph: Graph, properties: Properties) -> str | None:
    name = properties.string("Engine")
    if name not in CLUSTERS:
        return f"{name} does not run here: only {', '.join(CLUSTERS)} do"
    reason = missing_server(CLUSTERS[name], graph.given.database_servers)
    if reason:
        return f"{name} does not run here: {reason}"
    for name in ("GlobalClusterIdentifier", "ReplicationSourceIdentifier", "SourceDBClusterIdentifier"):
        if name in properties:
            return f"a cluster with {name} does not run here yet"
    return None
