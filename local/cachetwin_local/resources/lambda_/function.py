"""AWS::Lambda::Function: Python and Node.js functions, each environment a process on this machine."""

import re
from typing import Final, Literal

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import Description, Resolved
from cachetwin_local.assembly.template import FileAsset, Stack
from cachetwin_local.assembly.values.text import Text
from cachetwin_local.resources.context import Context, Translation
from cachetwin_local.resources.properties import Properties
from cachetwin_local.resources.shape import name_fields
from cachetwin_local.topology.address_plan import AddressPlan
from cachetwin_local.topology.functions import AsyncInvocation, Function, FunctionCode
from cachetwin_local.topology.references import sources

from . import url as lambda_url

__all__ = ["FUNCTION", "describe", "function_key", "translate"]

FUNCTION: Final = "AWS::Lambda::Function"
_LAYER: Final = "AWS::Lambda::LayerVersion"
_INVOKE_CONFIG: Final = "AWS::Lambda::EventInvokeConfig"
_NAME_MAX: Final = 64
_RUNTIMES: Final = re.compile(r"(python3\.\d+|nodejs\d+\.x)")
_ARN: Final = re.compile(r"arn:[^:/]*:lambda:[^:/]*:[^:/]*:function:[A-Za-z0-9-_]+(?::[A-Za-z0-9-_$]+)?")
_INLINE_BYTES_MAX: Final = 4_194_304  # CloudFormation's limit of ZipFile
_LOG_FORMATS: Final[dict[str, Literal["Text", "JSON"]]] = {"Text": "Text", "JSON": "JSON"}


def describe(address_plan: AddressPlan, graph: Graph, resolved: Resolved, stack: Stack) -> Description:
    """``Ref`` gives the name."""
    properties, fields = Properties.of(resolved), name_fields(resolved, stack)
    start = f"{stack.name_on_aws}-{fields['logical_id']}"[: _NAME_MAX - 13]
    name = properties.string("FunctionName", f"{start}-{fields['suffix']}").rpartition(":")[2]
    arn = f"arn:{fields['partition']}:lambda:{stack.region}:{stack.account}:function:{name}"
    attributes = {"Arn": arn, "SnapStartResponse.ApplyOn": "None", "SnapStartResponse.OptimizationStatus": "Off"}
    return Description(name, name, arn, attributes)


def translate(context: Context, resolved: Resolved) -> Translation:
    """The function with its code, its layers, its URL and the names of its versions and aliases."""
    properties, key = Properties.of(resolved), resolved.resource.key
    if resolved.resource.logical_id.startswith("CustomCrossRegionExport"):
        return Translation((), "CDK's own, for references between regions; the runner does its work", "modelled")
    runtime = properties.string("Runtime", "")
    if properties.string("PackageType", "Zip") == "Image":
        return Translation((), "a function from a container image does not run here", "not supported")
    if not _RUNTIMES.fullmatch(runtime):
        return Translation(
            (), f"functions run here in Python (python3.x) and Node.js (nodejsN.x), got {runtime}", "not supported"
        )
    code = _code(context, properties.object("Code"))
    if isinstance(code, str):
        return Translation((), code, "not supported")
    identity = context.identity(key)
    logging = properties.object("LoggingConfig")
    wanted = [(r.target, r.attribute) for r in resolved.references if r.path[:1] == ("Environment",)]
    function = Function(
        identity=identity,
        runtime=runtime,
        handler=properties.string("Handler"),
        code=code,
        environment=_environment(properties),
        role=properties.string("Role"),
        timeout_s=properties.integer("Timeout", 3),
        memory_mb=properties.integer("MemorySize", 128),
        ephemeral_storage_mb=properties.object("EphemeralStorage").integer("Size", 512),
        layers=tuple(_layers(context, properties, key)),
        reserved_concurrency=properties.integer("ReservedConcurrentExecutions")
        if "ReservedConcurrentExecutions" in properties
        else None,
        log_group=logging.string("LogGroup", f"/aws/lambda/{identity.physical_name}"),
        log_format=_LOG_FORMATS.get(logging.string("LogFormat", "Text"), "Text"),
        application_log_level=logging.optional("ApplicationLogLevel"),
        system_log_level=logging.optional("SystemLogLevel"),
        traced=properties.object("TracingConfig").string("Mode", "PassThrough") == "Active",
        qualifiers=tuple(_qualifiers(context, identity.arn)),
        url=lambda_url.url_of(context, identity),
        asynchronous=_asynchronous(context, properties, identity.arn),
        security_groups=properties.object("VpcConfig").strings("SecurityGroupIds"),
        in_vpc=bool(properties.object("VpcConfig").strings("SubnetIds")),
        depends_on=tuple(sorted(sources(context.graph, wanted))),
    )
    return Translation((function,), _note(function))


def function_key(context: Context, uri: str, stack: str) -> str | None:
    """The key of the function of this app that an ARN, or a text that holds one, names; versions and aliases too."""
    match = _ARN.search(uri)
    name = ":".join(match[0].split(":")[:7]) if match else uri
    found = context.find(FUNCTION, name, stack)
    return found.resource.key if found else None


def _code(context: Context, code: Properties) -> FunctionCode | str:
    """The code, or why it cannot be had here."""
    inline = code.optional("ZipFile")
    if inline is not None:
        if len(inline.encode()) > _INLINE_BYTES_MAX:
            raise code.where.child("ZipFile").error(f"must have at most {_INLINE_BYTES_MAX} bytes")
        return FunctionCode(inline=inline)
    asset = _asset(context, code.string("S3Key", ""))
    if asset is None:
        where = f"s3://{code.string('S3Bucket', '')}/{code.string('S3Key', '')}"
        return f"its code must be inline or an asset of this app, got {where}"
    return FunctionCode(path=asset.path, asset_hash=asset.asset_hash)


def _asset(context: Context, key: str) -> FileAsset | None:
    """The asset with this key in the assets bucket; a key may also be the asset's hash and an extension."""
    if not key or context.graph.stand_ins.reason(key):
        return None
    assets = context.assembly.file_assets.values()
    return next((one for one in assets if key in {one.object_key, f"{one.asset_hash}.zip", one.asset_hash}), None)


def _environment(properties: Properties) -> dict[str, Text]:
    variables = properties.object("Environment").object("Variables")
    return {name: variables.text(name) or "" for name in variables.values}


def _layers(context: Context, properties: Properties, key: str) -> list[str]:
    """The folders and archives of the layers that this app defines, in their order."""
    found = []
    for arn in properties.strings("Layers"):
        layer = context.find(_LAYER, arn, properties.where.stack)
        content = Properties.of(layer).object("Content") if layer else None
        asset = _asset(context, content.string("S3Key", "")) if content else None
        if asset is None:
            context.problem("warning", key, f"Layers: {arn} is no layer that a stack of this app makes: it is left out")
        else:
            found.append(asset.path)
    return found


def _qualifiers(context: Context, arn: str) -> list[str]:
    """The numbers and names of the versions and aliases of a function."""
    found = []
    for other in context.graph.readable("AWS::Lambda::Version", "AWS::Lambda::Alias"):
        description = context.graph.described(other.resource.key)
        if description.arn.startswith(f"{arn}:"):
            found.append(description.arn.rpartition(":")[2])
    return sorted(found)


def _asynchronous(context: Context, properties: Properties, arn: str) -> AsyncInvocation:
    dead_letters = properties.object("DeadLetterConfig").optional("TargetArn")
    for config in context.graph.readable(_INVOKE_CONFIG):
        own = Properties.of(config)
        named = own.string("FunctionName")
        if named == arn or named in {arn.rpartition(":")[2], ":".join(arn.split(":")[4:])}:
            ends = own.object("DestinationConfig")
            return AsyncInvocation(
                retries_max=own.integer("MaximumRetryAttempts", 2),
                age_max_s=own.integer("MaximumEventAgeInSeconds", 21_600),
                on_success=ends.object("OnSuccess").optional("Destination"),
                on_failure=ends.object("OnFailure").optional("Destination"),
                dead_letters=dead_letters,
            )
    return AsyncInvocation(dead_letters=dead_letters)


def _note(function: Function) -> str:
    url = f", {function.url.endpoint.address}:{function.url.endpoint.port}" if function.url else ""
    return f"{function.runtime}, {function.handler}, {function.memory_mb} MB, {function.timeout_s} s{url}"
