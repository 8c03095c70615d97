"""AWS::RDS::DBInstance for PostgreSQL, MySQL and MariaDB: a server of this machine."""

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
from .engines import INSTANCES, missing_server


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """Endpoint attributes are the loopback address that the database has here."""
    properties, fields = Properties.of(resolved), name_fields(resolved, stack)
    name = properties.string("DBInstanceIdentifier", generated_name(fields, 63)).lower()
    arn = f"arn:{fields['partition']}:rds:{stack.region}:{stack.account}:db:{name}"
    if _unsupported(graph, properties):
        return Description(
            name, name, arn, {"DBInstanceArn": arn}, lambda attribute: placeholder_attribute(fields, attribute)
        )
    endpoint = endpoint_of(address_plan, resolved, properties, name, stack)
    attributes = {
        "Endpoint.Address": endpoint.address,
        "Endpoint.Port": str(endpoint.port),
        "Endpoint.HostedZoneId": "Z2R2ITUGPM61AM",
        "DBInstanceArn": arn,
        "DBSystemId": "",
        "DbiResourceId": f"db-{fields['suffix']}",
        "CertificateDetails.CAIdentifier": "rds-ca-rsa2048-g1",
    }
    if properties.boolean("ManageMasterUserPassword"):
        attributes["MasterUserSecret.SecretArn"] = managed_secret_arn(resolved, stack, "db")
    return Description(name, name, arn, attributes)


def translate(context: Context, resolved: Resolved) -> Translation:
    """The database, and the secret that RDS itself makes where the template asks it to manage the password."""
    properties, identity = Properties.of(resolved), context.identity(resolved.resource.key)
    if context.find("AWS::RDS::DBCluster", properties.optional("DBClusterIdentifier") or "", identity.stack):
        return Translation((), "one server stands for all instances of its cluster", "modelled")
    reason = _unsupported(context.graph, properties)
    if reason:
        return Translation((), reason, "not supported")
    stack = context.graph.stack(resolved.resource.stack)
    engine = INSTANCES[properties.string("Engine", "postgres")]
    version = properties.string("EngineVersion", engine.version)
    group = properties.optional("DBParameterGroupName")
    parameters = parameters_of(context, resolved, "AWS::RDS::DBParameterGroup", group)
    username, password, managed = credentials_of(properties, identity)
    database = Database(
        identity=identity,
        engine=engine.server,
        engine_version=version,
        db_name=properties.optional("DBName"),
        username=username,
        password=password,
        endpoint=endpoint_of(context.address_plan, resolved, properties, identity.physical_name, stack),
        force_ssl=forces_tls(parameters, version, engine),
        parameters=server_parameters(parameters, engine),
        security_groups=properties.strings("VPCSecurityGroups"),
        iam_authentication=warn_of_tokens(context, resolved, properties, engine),
        create_only=properties.as_json("CharacterSetName DBSubnetGroupName KmsKeyId StorageEncrypted Timezone"),
    )
    address = f"{database.endpoint.address}:{database.endpoint.port}"
    return Translation((database, *managed), f"{engine.name} on {address}, of the version that this machine has")


def _unsupported(graph: Graph, properties: Properties) -> str | None:
    name = properties.string("Engine", "postgres")
    if name not in INSTANCES:
        return f"{name} does not run here: only {', '.join(INSTANCES)} do"
    reason = missing_server(INSTANCES[name], graph.given.database_servers)
    if reason:
        return f"{name} does not run here: {reason}"
    for name in ("SourceDBInstanceIdentifier", "DBClusterIdentifier"):
        if name in properties:
            return f"an instance with {name} does not run here yet"
    return None
