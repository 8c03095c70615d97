"""Read a cloud assembly, the `cdk.out` folder that `cdk synth` leaves.

Formats: aws-cdk's cloud-assembly-schema (manifest.json, ``*.assets.json``), version 55 when this was written; what
this reader needs of them has been the same since version 7. Only files below the assembly's folder are read.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict, TypeVar, cast

from cachetwin_local.errors import UserError

from .template import Assembly, DockerAsset, FileAsset, Json, Resource, Stack
from .where import Where

T = TypeVar("T")
_JSON_NAMES = {"dict": "an object", "list": "a list", "str": "a string"}

REGION = "us-east-1"
ACCOUNT = "000000000000"
NESTED_STACK = "AWS::CloudFormation::Stack"
READABLE_TRANSFORMS = ("AWS::CodeDeployBlueGreen", "AWS::LanguageExtensions", "AWS::SecretsManager", "AWS::Serverless")
"""Transforms that leave the rest of a template readable: what they would make of their own types is not supported."""


def read_assembly(directory: Path) -> Assembly:
    """The assembly in `directory`, nested assemblies (stages) and nested stacks included.

    Raises UserError when the folder, its manifest or a file they name is missing, is not JSON or has another shape.
    """
    if not (directory / "manifest.json").is_file():
        raise UserError(f"{directory} is not a cloud assembly: it has no manifest.json; run cdk synth first")
    reader = _Reader(directory)
    try:
        reader.read(directory)
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{directory} is not a cloud assembly that this version reads ({error!r}); run cdk synth again"
        ) from error
    return Assembly(_in_deployment_order(reader.stacks), reader.docker_assets, reader.file_assets)


class _Reader:
    """Collects stacks and assets while it walks the manifests."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.stacks: dict[str, Stack] = {}
        self.docker_assets: dict[str, DockerAsset] = {}
        self.file_assets: dict[str, FileAsset] = {}

    def read(self, directory: Path) -> None:
        manifest = _load(directory / "manifest.json")
        artifacts: Mapping[str, Json] = manifest.get("artifacts", {})
        for artifact in artifacts.values():
            if artifact["type"] == "cdk:asset-manifest":
                self._assets(directory, directory / artifact["properties"]["file"])
        names = {
            artifact_id: artifact["properties"].get("stackName", artifact_id)
            for artifact_id, artifact in artifacts.items()
            if artifact["type"] == "aws:cloudformation:stack"
        }
        for artifact_id, name in names.items():
            self._stack(directory, artifacts[artifact_id], name, names)
        for artifact in artifacts.values():
            if artifact["type"] == "cdk:cloud-assembly":
                self.read(directory / artifact["properties"]["directoryName"])

    def _assets(self, directory: Path, path: Path) -> None:
        manifest = _load(path)
        for asset_hash, image in manifest.get("dockerImages", {}).items():
            source = image["source"]
            if "directory" not in source:
                continue  # an image that a command makes has no folder to run from
            self.docker_assets[asset_hash] = DockerAsset(
                asset_hash=asset_hash,
                directory=self._relative(directory / source["directory"]),
                dockerfile=source.get("dockerFile", "Dockerfile"),
                target=source.get("dockerBuildTarget"),
                build_args=source.get("dockerBuildArgs", {}),
                tag=next((d["imageTag"] for d in image.get("destinations", {}).values()), asset_hash),
            )
        for asset_hash, file in manifest.get("files", {}).items():
            if "path" in file["source"]:
                object_key = next((d["objectKey"] for d in file.get("destinations", {}).values()), asset_hash)
                relative = self._relative(directory / file["source"]["path"])
                self.file_assets[asset_hash] = FileAsset(asset_hash, relative, object_key)

    def _relative(self, path: Path) -> str:
        resolved, root = path.resolve(), self.root.resolve()
        return str(resolved.relative_to(root)) if resolved.is_relative_to(root) else str(resolved)

    def _stack(self, directory: Path, artifact: Mapping[str, Json], name: str, names: Mapping[str, str]) -> None:
        if name in self.stacks:
            raise UserError(
                f"two stacks of this app are named {name}; the names of the stacks run together must differ"
            )
        account, region = _environment(artifact.get("environment", ""))
        template = _load(directory / artifact["properties"]["templateFile"])
        stack = Stack(
            name=name,
            display_name=artifact.get("displayName", name),
            region=region,
            account=account,
            dependencies=tuple(names[d] for d in artifact.get("dependencies", ()) if d in names),
            **_sections(name, template),
        )
        self._add(directory, stack, template)

    def _add(self, directory: Path, stack: Stack, template: Mapping[str, Json]) -> None:
        """Add `stack`, then the stacks nested in its template."""
        self.stacks[stack.name] = stack
        for logical_id, raw in template.get("Resources", {}).items():
            path = self._nested_template(directory, raw) if raw["Type"] == NESTED_STACK else None
            if path is None:
                continue
            name, nested_template = f"{stack.name}-{logical_id}", _load(path)
            nested = Stack(
                name=name,
                display_name=f"{stack.display_name}/{logical_id}",
                region=stack.region,
                account=stack.account,
                dependencies=(),
                parent=stack.name,
                parent_logical_id=logical_id,
                **_sections(name, nested_template),
            )
            self._add(directory, nested, nested_template)

    def _nested_template(self, directory: Path, raw: Mapping[str, Json]) -> Path | None:
        """The template of a nested stack: named in the metadata, or the asset whose key is in its URL."""
        named = raw.get("Metadata", {}).get("aws:asset:path")
        if named is not None:
            return directory / str(named)
        url = json.dumps(raw.get("Properties", {}).get("TemplateURL"))
        found = next((asset for asset in self.file_assets.values() if asset.object_key in url), None)
        return self.root / found.path if found else None


def _load(path: Path) -> dict[str, Json]:
    try:
        loaded = json.loads(path.read_text())
    except FileNotFoundError:
        raise UserError(f"the assembly names {path}, which does not exist; run cdk synth again") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} must be JSON, got {error}; run cdk synth again") from None
    if not isinstance(loaded, dict):
        raise UserError(f"{path} must hold a JSON object, got {type(loaded).__name__}")
    return cast("dict[str, Json]", loaded)


def _environment(environment: str) -> tuple[str, str]:
    """Account and region of ``aws://account/region``; the local ones where the app leaves them open."""
    account, _, region = environment.removeprefix("aws://").partition("/")
    return (
        account if account and not account.startswith("unknown") else ACCOUNT,
        region if region and not region.startswith("unknown") else REGION,
    )


def _resource(stack: str, logical_id: str, raw: Mapping[str, Json]) -> Resource:
    if not isinstance(raw, dict) or "Type" not in raw:
        raise UserError(f"stack {stack}, {logical_id}: a resource must be an object with a Type, got {raw!r}")
    where = Where(stack, logical_id)
    depends_on = raw.get("DependsOn", [])
    metadata = raw.get("Metadata")
    path = metadata.get("aws:cdk:path") if isinstance(metadata, dict) else None
    return Resource(
        stack=stack,
        logical_id=logical_id,
        type=_part(raw["Type"], str, where.child("Type")),
        properties=_part(raw.get("Properties", {}), dict, where.child("Properties")),
        path=path if isinstance(path, str) else logical_id,
        condition=_part(raw["Condition"], str, where.child("Condition")) if "Condition" in raw else None,
        depends_on=tuple(
            _part(name, str, where.child("DependsOn"))
            for name in (
                [depends_on] if isinstance(depends_on, str) else _part(depends_on, list, where.child("DependsOn"))
            )
        ),
    )


def _part(value: Json, kind: type[T], where: Where) -> T:
    """A part of a resource, which must be a JSON value of this kind."""
    if not isinstance(value, kind):
        raise where.error(f"must be {_JSON_NAMES[kind.__name__]}, got {type(value).__name__}")
    return value


class _Sections(TypedDict):
    """The fields of a `Stack` that are sections of its template."""

    resources: dict[str, Resource]
    parameters: Mapping[str, Mapping[str, Json]]
    mappings: Mapping[str, Json]
    conditions: Mapping[str, Json]
    outputs: Mapping[str, Mapping[str, Json]]


def _sections(name: str, template: Mapping[str, Json]) -> _Sections:
    _refuse_transforms(name, template)
    return {
        "resources": {
            logical_id: _resource(name, logical_id, raw) for logical_id, raw in template.get("Resources", {}).items()
        },
        "parameters": template.get("Parameters", {}),
        "mappings": template.get("Mappings", {}),
        "conditions": template.get("Conditions", {}),
        "outputs": template.get("Outputs", {}),
    }


def _refuse_transforms(name: str, template: Mapping[str, Json]) -> None:
    transforms = template.get("Transform", [])
    for transform in transforms if isinstance(transforms, list) else [transforms]:
        named = transform if isinstance(transform, str) else str(transform.get("Name", transform))
        if not named.startswith(READABLE_TRANSFORMS):
            raise UserError(
                f"stack {name}: the transform {named} runs on AWS only; synthesise the resources it makes instead"
            )


def _in_deployment_order(stacks: Mapping[str, Stack]) -> dict[str, Stack]:
    ordered: dict[str, Stack] = {}

    def add(name: str, chain: tuple[str, ...]) -> None:
        if name in chain:
            raise UserError(f"the stacks depend on each other in a circle: {' -> '.join((*chain, name))}")
        if name in ordered or name not in stacks:
            return
        for dependency in stacks[name].dependencies:
            add(dependency, (*chain, name))
        ordered[name] = stacks[name]

    for name in stacks:
        add(name, ())
    return ordered
