"""Read a cloud assembly, the `cdk.out` folder that `cdk synth` leaves, or a single template.

Formats: aws-cdk's cloud-assembly-schema (manifest.json, ``*.assets.json``), version 55 when this was written; what
this reader needs of them has been the same since version 7. Only files below the assembly's folder are read.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, TypeVar, cast

from cachetwin_local.errors import UserError

from .loops import expand_loops
from .template import Assembly, DockerAsset, FileAsset, Json, Resource, Stack
from .template_text import parse_template_text
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
    with _shape_errors(directory):
        reader.read(directory)
    return Assembly(_in_deployment_order(reader.stacks), reader.docker_assets, reader.file_assets)


def read_template(path: Path, region: str = REGION) -> Assembly:
    """The assembly of one template, a stack named like its file; nested stacks may be files beside it.

    Raises UserError when the file is missing or is not a template.
    """
    template = _load_template(path)
    if "Resources" not in template:
        raise UserError(f"{path} must hold a template with Resources, got {', '.join(sorted(template)) or 'nothing'}")
    name = re.sub(r"[^A-Za-z0-9-]+", "-", path.name.partition(".")[0]).strip("-") or "template"
    reader = _Reader(path.parent)
    with _shape_errors(path):
        reader.add(
            path.parent,
            Stack(name, name, region, ACCOUNT, dependencies=(), **_sections(name, template)),
            template,
        )
    return Assembly(_in_deployment_order(reader.stacks), {}, {})


@contextmanager
def _shape_errors(source: Path) -> Iterator[None]:
    """A part of another kind than expected is reported as the fault of `source`."""
    try:
        yield
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{source} is not a template or a cloud assembly that this version reads ({error!r})"
        ) from error


@dataclass(frozen=True, slots=True)
class _StackArtifact:
    """A stack as a manifest lists it."""

    directory: Path
    artifact_id: str
    artifact: Mapping[str, Json]
    name: str
    account: str
    region: str

    @property
    def environment(self) -> str:
        return f"{self.region}-{self.account}"


class _Reader:
    """Collects stacks and assets while it walks the manifests."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.stacks: dict[str, Stack] = {}
        self.docker_assets: dict[str, DockerAsset] = {}
        self.file_assets: dict[str, FileAsset] = {}

    def read(self, directory: Path) -> None:
        artifacts = self._collect(directory)
        names = _unique_names(artifacts)
        for artifact in artifacts:
            self._stack(artifact, names)

    def _collect(self, directory: Path) -> list[_StackArtifact]:
        """Read the assets of the assembly in `directory` and of those in it. Returns their stacks."""
        manifest = _load(directory / "manifest.json")
        artifacts: Mapping[str, Json] = manifest.get("artifacts", {})
        stacks: list[_StackArtifact] = []
        nested: list[_StackArtifact] = []
        for artifact_id, artifact in artifacts.items():
            if artifact["type"] == "cdk:asset-manifest":
                self._assets(directory, directory / artifact["properties"]["file"])
            elif artifact["type"] == "aws:cloudformation:stack":
                name = artifact["properties"].get("stackName", artifact_id)
                environment = _environment(artifact.get("environment", ""))
                stacks.append(_StackArtifact(directory, artifact_id, artifact, name, *environment))
            elif artifact["type"] == "cdk:cloud-assembly":
                nested += self._collect(directory / artifact["properties"]["directoryName"])
        return stacks + nested

    def _assets(self, directory: Path, path: Path) -> None:
        manifest = _load(path)
        for asset_hash, image in manifest.get("dockerImages", {}).items():
            source = image["source"]
            if "directory" not in source:
                continue  # an image that a command makes has no folder to run from
            dockerfile = directory / source["directory"] / source.get("dockerFile", "Dockerfile")
            self.docker_assets[asset_hash] = DockerAsset(
                asset_hash=asset_hash,
                directory=self._relative(directory / source["directory"]),
                dockerfile=source.get("dockerFile", "Dockerfile"),
                target=source.get("dockerBuildTarget"),
                build_args=source.get("dockerBuildArgs", {}),
                tag=next((d["imageTag"] for d in image.get("destinations", {}).values()), asset_hash),
                dockerfile_text=dockerfile.read_text(encoding="utf-8", errors="replace")
                if dockerfile.is_file()
                else None,
            )
        for asset_hash, file in manifest.get("files", {}).items():
            if "path" in file["source"]:
                object_key = next((d["objectKey"] for d in file.get("destinations", {}).values()), asset_hash)
                relative = self._relative(directory / file["source"]["path"])
                self.file_assets[asset_hash] = FileAsset(asset_hash, relative, object_key)

    def _relative(self, path: Path) -> str:
        resolved, root = path.resolve(), self.root.resolve()
        return str(resolved.relative_to(root)) if resolved.is_relative_to(root) else str(resolved)

    def _stack(self, given: _StackArtifact, names: Mapping[tuple[Path, str], str]) -> None:
        name = names[given.directory, given.artifact_id]
        if name in self.stacks:
            raise UserError(
                f"two stacks of this app are named {given.name} in {given.region}; the names of the stacks run together "
                "must differ"
            )
        template = _load_template(given.directory / given.artifact["properties"]["templateFile"])
        stack = Stack(
            name=name,
            display_name=given.artifact.get("displayName", given.name),
            region=given.region,
            account=given.account,
            dependencies=tuple(
                names[given.directory, other]
                for other in given.artifact.get("dependencies", ())
                if (given.directory, other) in names
            ),
            **_sections(name, template),
        )
        self.add(given.directory, stack, template)

    def add(self, directory: Path, stack: Stack, template: Mapping[str, Json]) -> None:
        """Add `stack`, then the stacks nested in its template."""
        self.stacks[stack.name] = stack
        for logical_id, resource in stack.resources.items():
            raw = template["Resources"][logical_id]
            path = self._nested_template(directory, raw) if resource.type == NESTED_STACK else None
            if path is None:
                continue
            _, at, region = stack.name.partition("@")
            name, nested_template = f"{stack.name_on_aws}-{logical_id}{at}{region}", _load_template(path)
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
            self.add(path.parent, nested, nested_template)

    def _nested_template(self, directory: Path, raw: Mapping[str, Json]) -> Path | None:
        """The template of a nested stack.

        Named in the metadata, a path as `aws cloudformation package` reads it, or the asset whose key is in the URL.
        """
        named = raw.get("Metadata", {}).get("aws:asset:path")
        if named is not None:
            return directory / str(named)
        given = raw.get("Properties", {}).get("TemplateURL")
        if isinstance(given, str) and "://" not in given:
            beside = directory / given
            return beside if beside.is_file() else None
        url = json.dumps(given)
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


def _load_template(path: Path) -> dict[str, Json]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{path} does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    return expand_loops(parse_template_text(text, str(path)))


def _unique_names(artifacts: list[_StackArtifact]) -> dict[tuple[Path, str], str]:
    """A name for each stack: that of CloudFormation, with the region (and the account) where several have it."""
    count = Counter(one.name for one in artifacts)
    regional = Counter((one.name, one.region) for one in artifacts)
    names = {}
    for one in artifacts:
        unique = one.name if count[one.name] == 1 else f"{one.name}@{one.region}"
        if regional[one.name, one.region] > 1:
            unique = f"{one.name}@{one.environment}"
        names[one.directory, one.artifact_id] = unique
    return names


def _environment(environment: str) -> tuple[str, str]:
    """Account and region of ``aws://account/region``; the local ones where the app leaves them open."""
    account, _, region = environment.removeprefix("aws://").partition("/")
    return (
        account if account and not account.startswith("unknown") else ACCOUNT,
        region if region and not region.startswith("unknown") else REGION,
    )


_POLICIES = ("DeletionPolicy", "UpdateReplacePolicy", "UpdatePolicy")


def _resource(stack: str, logical_id: str, raw: Json) -> Resource:
    if logical_id.startswith("Fn::"):
        name = "::".join(logical_id.split("::")[:2])
        raise UserError(
            f"stack {stack}, {logical_id}: {name} is not expanded here: a loop's collection must be a list of texts, or "
            "a list parameter with a default; write out the resources that it makes"
        )
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
        properties=_part(raw.get("Properties") or {}, dict, where.child("Properties")),
        path=path if isinstance(path, str) else logical_id,
        condition=_part(raw["Condition"], str, where.child("Condition")) if "Condition" in raw else None,
        policies={name: raw[name] for name in _POLICIES if name in raw},
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
    transforms: tuple[str, ...]


def _sections(name: str, template: Mapping[str, Json]) -> _Sections:
    resources = {}
    for logical_id, raw in _section(name, template, "Resources").items():
        try:
            resources[logical_id] = _resource(name, logical_id, raw)
        except UserError as error:
            kind = raw.get("Type") if isinstance(raw, dict) else None
            shown = kind if isinstance(kind, str) else "(no type)"
            resources[logical_id] = Resource(name, logical_id, shown, {}, logical_id, None, (), fault=error)
    return {
        "resources": resources,
        "parameters": {
            key: value if isinstance(value, dict) else {}
            for key, value in _section(name, template, "Parameters").items()
        },
        "mappings": _section(name, template, "Mappings"),
        "conditions": _section(name, template, "Conditions"),
        "outputs": {
            # one of another shape is reported where its value is resolved
            key: value if isinstance(value, dict) else {"Value": {key if "::" in key else "Fn::Output": value}}
            for key, value in _section(name, template, "Outputs").items()
        },
        "transforms": _transforms(template),
    }


def _section(stack: str, template: Mapping[str, Json], section: str) -> dict[str, Json]:
    """A section of a template; one that is missing or empty has no entries."""
    value = template.get(section)
    return {} if value is None else _part(value, dict, Where(stack, section))


def _transforms(template: Mapping[str, Json]) -> tuple[str, ...]:
    """The transforms of a template that leave it incomplete here."""
    given = template.get("Transform", [])
    names = [
        one if isinstance(one, str) else str(one.get("Name", one) if isinstance(one, dict) else one)
        for one in (given if isinstance(given, list) else [given])
    ]
    return tuple(name for name in names if not name.startswith(READABLE_TRANSFORMS))


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
