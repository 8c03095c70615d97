"""AWS::SecretsManager::SecretTargetAttachment: writes where a database is into its secret."""

from cachetwin_local.assembly.graph import Description, Graph, Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.values import Attachment

TARGET_TYPES = ("AWS::RDS::DBInstance",)


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
    target = context.find("AWS::RDS::DBInstance", target_id, properties.where.stack)
    if target is None:
        raise properties.where.child("TargetId").error(f"must name a database of this app, got {target_id}")
    identity, database = context.identity(target.resource.key), Properties.of(target)
    values: dict[str, str | int] = {
        "engine": database.string("Engine"),
        "host": str(identity.attributes["Endpoint.Address"]),
        "port": int(str(identity.attributes["Endpoint.Port"])),
        "dbInstanceIdentifier": identity.physical_name,
    }
    if "DBName" in database:
        values["dbname"] = database.string("DBName")
    return Attachment(identity.key, values)
