"""What database instances and clusters have in common: endpoint, parameters, master user."""

from cachetwin_local.assembly.resolved import Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.assembly.values.text import SecretRef, Text
from cachetwin_local.resources.context import Context
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import name_fields
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.values import Endpoint, GenerateSecretString, Identity, Secret

__all__ = ["PORT", "credentials_of", "endpoint_of", "forces_tls", "managed_secret_arn", "parameters_of"]

PORT = 5432


def forces_tls(parameters: dict[str, str], version: str, *, since: int) -> bool:
    """Whether `rds.force_ssl` is on: as the parameters say, else by default from the major version `since`."""
    major = version.partition(".")[0]
    by_default = "1" if major.isdigit() and int(major) >= since else "0"
    return parameters.get("rds.force_ssl", by_default) == "1"


def managed_secret_arn(resolved: Resolved, stack: Stack, kind: str) -> str:
    """The ARN of the secret that RDS makes for the master user of a database of `kind` (db, cluster)."""
    fields = name_fields(resolved, stack)
    name = f"rds!{kind}-{fields['uuid']}-{fields['hex6']}"
    return f"arn:{fields['partition']}:secretsmanager:{stack.region}:{stack.account}:secret:{name}"


def endpoint_of(
    address_plan: AddressPlan, resolved: Resolved, properties: Properties, name: str, stack: Stack
) -> Endpoint:
    """Where the database listens here."""
    port_on_aws = properties.integer("Port", PORT)
    address, port = address_plan.endpoint(f"{resolved.resource.key}/endpoint", port_on_aws)
    unique = name_fields(resolved, stack)["hex12"]
    return Endpoint(address, port, port_on_aws, "preferred", (f"{name}.{unique}.{stack.region}.rds.amazonaws.com",))


def parameters_of(context: Context, resolved: Resolved, group_type: str, name: str | None) -> dict[str, str]:
    """The parameters of the group `name`, by name. One that is not in the app is named in a warning."""
    if name is None or name.startswith("default."):
        return {}
    group = context.find(group_type, name, resolved.resource.stack)
    if group is None:
        key = resolved.resource.key
        context.problem("warning", key, f"parameter group {name} is not in this app: PostgreSQL's defaults are used")
        return {}
    given = Properties.of(group).object("Parameters")
    return {parameter: given.string(parameter) for parameter in given.values}


def credentials_of(properties: Properties, identity: Identity) -> tuple[Text, Text, tuple[Secret, ...]]:
    """The master user, its password, and the secret that RDS makes where it manages the password."""
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
