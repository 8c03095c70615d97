"""AWS::RDS::DBInstance for PostgreSQL: a PostgreSQL server behind the endpoint's TLS."""

from cachetwin_local.assembly.graph import Description, Graph, Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.assembly.text import SecretRef, Text
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import generated_name, name_fields, placeholder_attribute
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.values import Database, Endpoint, GenerateSecretString, Identity, Secret

PORT = 5432
FORCE_SSL_FROM_VERSION = 15
"""`rds.force_ssl` is 1 by default from PostgreSQL 15 (RDS user guide, "Using SSL with a PostgreSQL DB instance")."""


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """Endpoint attributes are the loopback address that the database has here."""
    properties, fields = Properties.of(resolved), name_fields(resolved, stack)
    name = properties.string("DBInstanceIdentifier", generated_name(fields, 63)).lower()
    arn = f"arn:{fields['partition']}:rds:{stack.region}:{stack.account}:db:{name}"
    if _unsupported(properties):
        return Description(
            name, name, arn, {"DBInstanceArn": arn}, lambda attribute: placeholder_attribute(fields, attribute)
        )
    endpoint = _endpoint(address_plan, resolved, properties, name, stack)
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
        attributes["MasterUserSecret.SecretArn"] = (
            f"arn:{fields['partition']}:secretsmanager:{stack.region}:{stack.account}:secret:rds!db-{fields['uuid']}-{fields['hex6']}"
        )
    return Description(name, name, arn, attributes)


def translate(context: Context, resolved: Resolved) -> Translation:
    """The database, and the secret that RDS itself makes where the template asks it to manage the password."""
    properties, identity = Properties.of(resolved), context.identity(resolved.resource.key)
    reason = _unsupported(properties)
    if reason:
        return Translation((), reason, "not supported")
    stack = context.graph.stack(resolved.resource.stack)
    version = properties.string("EngineVersion", "17")
    parameters = _parameters(context, resolved, properties)
    major = version.partition(".")[0]
    by_default = "1" if major.isdigit() and int(major) >= FORCE_SSL_FROM_VERSION else "0"
    username, password, managed = _credentials(properties, identity)
    database = Database(
        identity=identity,
        engine="postgres",
        engine_version=version,
        db_name=properties.optional("DBName"),
        username=username,
        password=password,
        endpoint=_endpoint(context.address_plan, resolved, properties, identity.physical_name, stack),
        force_ssl=parameters.get("rds.force_ssl", by_default) == "1",
        parameters={name: value for name, value in parameters.items() if not name.startswith("rds.")},
        security_groups=properties.strings("VPCSecurityGroups"),
    )
    address = f"{database.endpoint.address}:{database.endpoint.port}"
    return Translation((database, *managed), f"PostgreSQL on {address}, of the version that this machine has")


def _unsupported(properties: Properties) -> str | None:
    engine = properties.string("Engine", "postgres")
    if engine != "postgres":
        return f"{engine} does not run here: only postgres does"
    for name in ("SourceDBInstanceIdentifier", "DBClusterIdentifier"):
        if name in properties:
            return f"an instance with {name} does not run here yet"
    return None


def _endpoint(
    address_plan: AddressPlan, resolved: Resolved, properties: Properties, name: str, stack: Stack
) -> Endpoint:
    port_on_aws = properties.integer("Port", PORT)
    address, port = address_plan.endpoint(f"{resolved.resource.key}/endpoint", port_on_aws)
    unique = name_fields(resolved, stack)["hex12"]
    return Endpoint(address, port, port_on_aws, "preferred", (f"{name}.{unique}.{stack.region}.rds.amazonaws.com",))


def _parameters(context: Context, resolved: Resolved, properties: Properties) -> dict[str, str]:
    name = properties.optional("DBParameterGroupName")
    if name is None or name.startswith("default."):
        return {}
    group = context.find("AWS::RDS::DBParameterGroup", name, resolved.resource.stack)
    if group is None:
        key = resolved.resource.key
        context.problem("warning", key, f"parameter group {name} is not in this app: PostgreSQL's defaults are used")
        return {}
    given = Properties.of(group).object("Parameters")
    return {parameter: given.string(parameter) for parameter in given.values}


def _credentials(properties: Properties, identity: Identity) -> tuple[Text, Text, tuple[Secret, ...]]:
    username = properties.text("MasterUsername") or "postgres"
    if not properties.boolean("ManageMasterUserPassword"):
        password = properties.text("MasterUserPassword")
        if password is None:
            raise properties.where.child("MasterUserPassword").error(
                "must be given, or ManageMasterUserPassword, got none"
            )
        return username, password, ()
    if not isinstance(username, str):
        raise properties.where.child("MasterUsername").error("must not hold a secret with ManageMasterUserPassword")
    arn = str(identity.attributes["MasterUserSecret.SecretArn"])
    name = arn.rpartition(":")[2].rpartition("-")[0]
    generate = GenerateSecretString(
        password_length=28,
        exclude_characters="/'\"@ ",
        secret_string_template=f'{{"username":"{username}"}}',
        generate_string_key="password",
    )
    owner = Identity(
        stack=identity.stack,
        logical_id=f"{identity.logical_id}.MasterUserSecret",
        type="AWS::SecretsManager::Secret",
        path=identity.path,
        physical_name=name,
        arn=arn,
    )
    return username, (SecretRef(arn, "password"),), (Secret(owner, name, generate, None),)
