"""What database instances and clusters have in common: endpoint, parameters, master user."""

import re

from cachetwin_local.assembly.resolved import Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.assembly.values.text import SecretRef, Text
from cachetwin_local.resources.context import Context
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import name_fields
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.values import Endpoint, GenerateSecretString, Identity, Secret

from .engines import CLUSTERS, INSTANCES, Engine

__all__ = [
    "credentials_of",
    "default_port",
    "endpoint_of",
    "forces_tls",
    "managed_secret_arn",
    "parameters_of",
    "server_parameters",
    "warn_of_tokens",
]

_POSTGRES_PORT = 5432
_ON = {"1", "on", "true"}
_WITHOUT_TOKENS = "EnableIAMDatabaseAuthentication: IAM tokens log in to PostgreSQL only here, {} takes passwords"


def default_port(engine: object) -> int:
    """The port of a database of this engine."""
    found = {**INSTANCES, **CLUSTERS}.get(engine) if isinstance(engine, str) else None
    return found.port if found is not None else _POSTGRES_PORT


def forces_tls(parameters: dict[str, str], version: str, engine: Engine) -> bool:
    """Whether connections must be encrypted: as the parameters say, else by default from a version on."""
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    given = parameters.get(engine.forces_tls)
    return numbers >= engine.since if given is None else given.lower() in _ON


def warn_of_tokens(context: Context, resolved: Resolved, properties: Properties, engine: Engine) -> bool:
    """Whether IAM tokens log in; where they should and do not, say so."""
    wanted = properties.boolean("EnableIAMDatabaseAuthentication")
    if wanted and engine.server != "postgres":
        context.problem("warning", resolved.resource.key, _WITHOUT_TOKENS.format(engine.name))
        return False
    return wanted


def server_parameters(parameters: dict[str, str], engine: Engine) -> dict[str, str]:
    """The parameters without those that only the service knows."""
    return {
        name: value
        for name, value in parameters.items()
        if not name.startswith(("rds.", "aurora_")) and name != engine.forces_tls
    }


def managed_secret_arn(resolved: Resolved, stack: Stack, kind: str) -> str:
    """The ARN of the secret that RDS makes for the master user of a database of `kind` (db, cluster)."""
    fields = name_fields(resolved, stack)
    name = f"rds!{kind}-{fields['uuid']}-{fields['hex6']}"
    return f"arn:{fields['partition']}:secretsmanager:{stack.region}:{stack.account}:secret:{name}"


def endpoint_of(
    address_plan: AddressPlan, resolved: Resolved, properties: Properties, name: str, stack: Stack
) -> Endpoint:
    """Where the database listens here."""
    port_on_aws = properties.integer("Port", default_port(properties.string("Engine", "postgres")))
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
        context.problem("warning", key, f"parameter group {name} is not in this app: the server's defaults are used")
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
