"""AWS::SecretsManager::Secret: kept in the runner's own store, generated as the template asks."""

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import Stack
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import name_fields
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.values import GenerateSecretString, Secret

from . import secret_target_attachment as target_attachment


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """``Ref`` gives the ARN, which ends in six characters that the service adds."""
    fields = name_fields(resolved, stack)
    name = Properties.of(resolved).string("Name", f"{fields['logical_id']}-{fields['suffix']}")
    arn = f"arn:{fields['partition']}:secretsmanager:{stack.region}:{stack.account}:secret:{name}-{fields['hex6']}"
    return Description(arn, name, arn, {"Id": arn})


def translate(context: Context, resolved: Resolved) -> Translation:
    """The secret, and what its attachments add to it."""
    properties, identity = Properties.of(resolved), context.identity(resolved.resource.key)
    generate = _generate(properties.object("GenerateSecretString")) if "GenerateSecretString" in properties else None
    value = properties.text("SecretString")
    if generate is None and value is None:
        generate = GenerateSecretString()
    secret = Secret(
        identity=identity,
        name=identity.physical_name,
        generate=generate,
        value=value,
        attachments=target_attachment.attachments(context, identity.arn),
    )
    return Translation((secret,), "generated here as the template asks" if generate else "as the template has it")


def _generate(properties: Properties) -> GenerateSecretString:
    return GenerateSecretString(
        password_length=properties.integer("PasswordLength", 32),
        exclude_characters=properties.string("ExcludeCharacters", ""),
        exclude_numbers=properties.boolean("ExcludeNumbers"),
        exclude_punctuation=properties.boolean("ExcludePunctuation"),
        exclude_uppercase=properties.boolean("ExcludeUppercase"),
        exclude_lowercase=properties.boolean("ExcludeLowercase"),
        include_space=properties.boolean("IncludeSpace"),
        require_each_included_type=properties.boolean("RequireEachIncludedType", default=True),
        secret_string_template=properties.text("SecretStringTemplate"),
        generate_string_key=properties.optional("GenerateStringKey"),
    )
