"""A template as the Python program that somebody would write for it with nothing but L1 classes.

One statement per resource: ``CfnVPC(stack, "Vpc", cidr_block=...)``, with the property classes of the L1 library, variables
for references, f-strings for joined text, and the assets that ``s3_assets`` and ``ecr_assets`` stage. ``write_program``
writes the source, so that it can be read; ``compiled`` makes a function of it, to be timed and compared.
"""

import importlib
import json
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import aws_cdk as cdk

Define = Callable[[cdk.Stack], None]
_PSEUDO = {
    "AWS::AccountId": "cdk.Aws.ACCOUNT_ID",
    "AWS::NoValue": "cdk.Aws.NO_VALUE",
    "AWS::Partition": "cdk.Aws.PARTITION",
    "AWS::Region": "cdk.Aws.REGION",
    "AWS::StackId": "cdk.Aws.STACK_ID",
    "AWS::StackName": "cdk.Aws.STACK_NAME",
    "AWS::URLSuffix": "cdk.Aws.URL_SUFFIX",
}
_POLICIES = {"Delete": "DELETE", "Retain": "RETAIN", "Snapshot": "SNAPSHOT"}


@dataclass
class Assets:
    """What a stack stages, by the hash that its template names: folders for Lambda, folders of images."""

    files: Mapping[str, Path]
    images: Mapping[str, tuple[Path, str | None]]
    names: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, assembly: Path, stack: str) -> "Assets":
        """Those that the assembly's manifest of the stack lists, as they lie in the assembly."""
        manifest = json.loads((assembly / f"{stack}.assets.json").read_text())
        files = {
            key: assembly / one["source"]["path"]
            for key, one in manifest["files"].items()
            if one["source"]["packaging"] == "zip"
        }
        images = {
            key: (assembly / one["source"]["directory"], one["source"].get("platform"))
            for key, one in manifest.get("dockerImages", {}).items()
        }
        return cls(files, images)


def compiled(source: str) -> Define:
    """The program's ``define``."""
    module = types.ModuleType("plain")
    exec(compile(source, "plain", "exec"), module.__dict__)  # noqa: S102  (our own program, of our own template)
    define: Define = module.define
    return define


def write_program(
    template: Mapping[str, Any], assets: Assets, acknowledged: Mapping[str, Mapping[str, str]] | None = None
) -> str:
    """Source of a module with ``define(stack)``; ``acknowledged`` are reasons by logical id and rule."""
    return _Program(template, assets, acknowledged or {}).source()


class _Program:
    def __init__(
        self, template: Mapping[str, Any], assets: Assets, acknowledged: Mapping[str, Mapping[str, str]]
    ) -> None:
        self._template = template
        self._resources: Mapping[str, Any] = template["Resources"]
        self._assets = assets
        self._acknowledged = acknowledged
        self._modules: dict[str, None] = {}
        self._classes: dict[str, type] = {}

    def source(self) -> str:
        body = [*self._staged()]
        for logical_id in self._in_order():
            body += self._statements(logical_id, self._resources[logical_id])
        for name, output in self._template.get("Outputs", {}).items():
            words = {"value": self._text(output["Value"]), "description": repr(output.get("Description"))}
            body.append(_call(f"cdk.CfnOutput(stack, {name!r}, ", words))
        imports = ["import aws_cdk as cdk", *(f"from aws_cdk import {name}" for name in self._modules)]
        lines = [*imports, "", "", "def define(stack):", *(f"    {line}" for line in body)]
        return "\n".join(lines) + "\n"

    def _staged(self) -> Iterator[str]:
        for index, (key, path) in enumerate(self._assets.files.items()):
            self._modules["aws_s3_assets"] = None
            self._assets.names[key] = f"code_{index}"
            yield f"code_{index} = aws_s3_assets.Asset(stack, 'Code{index}', path={str(path)!r})"
        for index, (key, (path, platform)) in enumerate(self._assets.images.items()):
            self._modules["aws_ecr_assets"] = None
            self._assets.names[key] = f"image_{index}"
            words = {"directory": repr(str(path))}
            if platform is not None:
                words["platform"] = f"aws_ecr_assets.Platform.custom({platform!r})"
            yield _call(f"image_{index} = aws_ecr_assets.DockerImageAsset(stack, 'Image{index}', ", words)

    def _in_order(self) -> Iterator[str]:
        graph = {name: set(_needs(resource)) & set(self._resources) for name, resource in self._resources.items()}
        return iter(tuple(TopologicalSorter(graph).static_order()))

    def _statements(self, logical_id: str, resource: Mapping[str, Any]) -> Iterator[str]:
        made, name = self._class(resource["Type"]), logical_id
        module, hints = made.__module__.rsplit(".", 1)[-1], _hints(made)
        words = {
            key: self._value(value, hint) for key, value, hint in _arguments(resource.get("Properties", {}), hints)
        }
        yield _call(f"{name} = {module}.{made.__name__}(stack, {logical_id!r}, ", words)
        after = resource.get("DependsOn", [])
        for other in [after] if isinstance(after, str) else after:
            yield f"{name}.add_resource_dependency({other})"
        for key, attribute in (("DeletionPolicy", "deletion_policy"), ("UpdateReplacePolicy", "update_replace_policy")):
            if key in resource:
                yield f"{name}.cfn_options.{attribute} = cdk.CfnDeletionPolicy.{_POLICIES[resource[key]]}"
        metadata = {k: v for k, v in resource.get("Metadata", {}).items() if not k.startswith("aws:")}
        if metadata:
            yield f"{name}.cfn_options.metadata = {metadata!r}"
        for rule, reason in self._acknowledged.get(logical_id, {}).items():
            yield f"cdk.Validations.of({name}).acknowledge(cdk.Acknowledgment(id={rule!r}, reason={reason!r}))"

    def _class(self, resource_type: str) -> type:
        if resource_type not in self._classes:
            _, service, name = resource_type.split("::")
            module = f"aws_{service.lower()}"
            self._modules[module] = None
            found: type = getattr(importlib.import_module(f"aws_cdk.{module}"), f"Cfn{name}")
            self._classes[resource_type] = found
        return self._classes[resource_type]

    def _value(self, value: object, hint: object) -> str:
        """The value as an expression that suits the argument's type."""
        struct = _struct(hint)
        match value:
            case {"Ref": _} | {"Fn::GetAtt": _} | {"Fn::Join": _} | {"Fn::Sub": _} | {"Fn::Select": _}:
                text = self._text(value)
                return f"cdk.Token.as_number({text})" if {int, float} & set(_kinds(hint)) else text
            case dict() if struct is not None:
                members = {key: self._value(part, inner) for key, part, inner in _arguments(value, _hints(struct))}
                module = struct.__module__.rsplit(".", 1)[-1]
                return _call(f"{'cdk' if module == 'aws_cdk' else module}.{struct.__qualname__}(", members)
            case dict():
                inner = _item(hint)
                return "{" + ", ".join(f"{key!r}: {self._value(part, inner)}" for key, part in value.items()) + "}"
            case list():
                inner = _item(hint)
                return "[" + ", ".join(self._value(part, inner) for part in value) + "]"
            case str() if bool in _kinds(hint) and value in {"true", "false"}:
                return str(value == "true")
            case str() if (name := self._assets.names.get(value.split(".")[0])) is not None:
                return f"{name}.s3_object_key"
            case _:
                return repr(value)

    def _text(self, value: object) -> str:
        match value:
            case str():
                return repr(value)
            case {"Ref": str(name)}:
                return _PSEUDO.get(name) or f"{name}.ref"
            case {"Fn::GetAtt": [str(name), str(attribute)]}:
                wanted = f"attr{attribute.replace('.', '').lower()}"
                made = self._class(self._resources[name]["Type"])
                found = [one for one in dir(made) if one.replace("_", "") == wanted]
                return f"{name}.{found[0]}" if found else f"{name}.get_att({attribute!r}).to_string()"
            case {"Fn::Join": ["", [*parts]]}:
                return self._joined(parts)
            case {"Fn::Select": [index, {"Fn::GetAZs": ""}]}:
                return f"cdk.Fn.select({int(index)}, cdk.Fn.get_azs())"
            case {"Fn::Sub": str(text)}:
                for key, name in self._assets.names.items():
                    if text.endswith(f":{key}"):
                        return f"{name}.image_uri"
                code = next((name for name in self._assets.names.values() if name.startswith("code")), None)
                if "-container-assets-" not in text and code is not None:
                    return f"{code}.s3_bucket_name"
                return f"cdk.Fn.sub({text!r})"
        raise ValueError(f"value must be a text or an intrinsic function that L1 code is written for, got {value!r}")

    def _joined(self, parts: list[object]) -> str:
        """An f-string."""
        pieces = []
        for part in parts:
            if isinstance(part, str):
                pieces.append(repr(part)[1:-1].replace('"', r"\"").replace("{", "{{").replace("}", "}}"))
            else:
                pieces.append("{" + self._text(part).replace('"', "'") + "}")
        return 'f"' + "".join(pieces) + '"'


def _call(start: str, words: Mapping[str, str]) -> str:
    return start + ", ".join(f"{key}={value}" for key, value in words.items()) + ")"


def _hints(made: type) -> dict[str, object]:
    """The types of the constructor's arguments."""
    constructor: Any = vars(made)["__init__"]
    return typing.get_type_hints(constructor)


def _arguments(properties: Mapping[str, Any], hints: Mapping[str, object]) -> Iterator[tuple[str, object, object]]:
    """Python's name, the value and the type of each property."""
    known = {name.replace("_", "").lower(): (name, hint) for name, hint in hints.items()}
    for key, value in properties.items():
        name, hint = known[key.lower()]
        yield name, value, hint


def _alternatives(hint: object) -> Iterator[object]:
    """What an argument's type may be: the members of unions, all the way down."""
    if typing.get_origin(hint) in {typing.Union, types.UnionType}:
        for member in typing.get_args(hint):
            yield from _alternatives(member)
    else:
        yield hint


def _kinds(hint: object) -> list[type]:
    return [one for one in _alternatives(hint) if isinstance(one, type)]


def _struct(hint: object) -> type | None:
    """The class of the property, if it has one."""
    for one in _alternatives(hint):
        if isinstance(one, type) and one.__name__.endswith(("Property", "CfnTag")):
            return one
    return None


def _item(hint: object) -> object:
    """The type of a list's or a mapping's values."""
    return next((arguments[-1] for one in _alternatives(hint) if (arguments := typing.get_args(one))), object)


def _needs(resource: Mapping[str, Any]) -> Iterator[str]:
    after = resource.get("DependsOn", [])
    yield from [after] if isinstance(after, str) else after
    yield from _named(resource.get("Properties", {}))


def _named(value: object) -> Iterator[str]:
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            yield name
        case dict():
            for part in value.values():
                yield from _named(part)
        case list():
            for part in value:
                yield from _named(part)
