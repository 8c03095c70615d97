"""AWS::SecretsManager::SecretTargetAttachment: writes where a database is into its secret."""

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.rds.database import default_port
from cachetwin_local.resources.shape import name_fields, placeholder_attribute
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.values import Attachment

TARGET_TYPES = {
    "AWS::RDS::DBCluster": ("DatabaseName", "dbClusterIdentifier"),
    "AWS::RDS::DBInstance": ("DBName", "dbInstanceIdentifier"),
}
"""For each type of target the property with the database's name, and the key of its identifier in the secret."""


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """``Ref`` gives the secret's ARN."""
    arn = Properties.of(resolved).string("SecretId")
    return Description(arn, arn, arn, {"Id": arn})


def translate(context: Context, resolved: Resolved) -> Translation:
    """An attachment is part of its secret."""
    properties = Properties.of(resolved)
    kind = properties.string("TargetType")
    if kind not in TARGET_TYPES:
        return Translation((), f"{kind} does not run here, so nothing is added to the secret", "not supported")
    return Translation((), "adds engine, host, port and names of the database to the secret")


def attachments(context: Context, secret_arn: str) -> tuple[Attachment, ...]:
    """What attachments add to a secret."""
    found = []
    for resolved in context.graph.readable("AWS::SecretsManager::SecretTargetAttachment"):
        properties = Properties.of(resolved)
        if properties.string("SecretId") == secret_arn and properties.string("TargetType") in TARGET_TYPES:
            found.append(_database(context, properties))
    return tuple(found)


def _database(context: Context, properties: Properties) -> Attachment:
    target_id = properties.string("TargetId")
    name_property, identifier = TARGET_TYPES[properties.string("TargetType")]
    target = context.find(properties.string("TargetType"), target_id, properties.where.stack)
    if target is None:
        raise properties.where.child("TargetId").error(f"must name a database of this app, got {target_id}")
    identity, database = context.identity(target.resource.key), Properties.of(target)
    engine = database.string("Engine")
    fields = name_fields(target, context.graph.stack(target.resource.stack))
    # one that does not run here, as the plan says of it, has a name that does not resolve
    address = identity.attributes.get("Endpoint.Address", placeholder_attribute(fields, "Endpoint.Address"))
    port = identity.attributes.get("Endpoint.Port", database.integer("Port", default_port(engine)))
    values: dict[str, str | int] = {
        "engine": engine,
        "host": str(address),
        "port": int(str(port)),
        identifier: identity.physical_name,
    }
    if name_property in database:
        values["dbname"] = database.string(name_property)
    return Attachment(identity.key, values)
