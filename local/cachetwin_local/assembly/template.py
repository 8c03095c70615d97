"""A synthesised app as data: stacks with their templates, and the assets they use."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cachetwin_local.errors import UserError

Json = Any
"""A JSON value: dict, list, str, int, float, bool or None."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource as its template has it: nothing resolved. `fault` is why it could not be read.

    `policies` are the attributes that say what becomes of it: DeletionPolicy, UpdateReplacePolicy, UpdatePolicy.
    """

    stack: str
    logical_id: str
    type: str
    properties: Mapping[str, Json]
    path: str
    condition: str | None
    depends_on: tuple[str, ...]
    fault: UserError | None = None
    policies: Mapping[str, Json] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The name of this resource within an assembly."""
        return f"{self.stack}/{self.logical_id}"


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack: its template's sections, and the stacks that must be there first.

    `name` is unique within an assembly: the CloudFormation name and, where stacks of several regions have the same one,
    ``@`` and the region. `display_name` is what the CDK CLI calls it. A nested stack has the name of its parent and the
    logical id it has there, joined by a hyphen, as CloudFormation's nested names begin. `transforms` are those that run
    on AWS only.
    """

    name: str
    display_name: str
    region: str
    account: str
    dependencies: tuple[str, ...]
    resources: Mapping[str, Resource]
    parameters: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    mappings: Mapping[str, Json] = field(default_factory=dict)
    conditions: Mapping[str, Json] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    parent: str | None = None
    parent_logical_id: str | None = None
    transforms: tuple[str, ...] = ()

    @property
    def name_on_aws(self) -> str:
        """The name that CloudFormation knows."""
        return self.name.partition("@")[0]


@dataclass(frozen=True, slots=True)
class DockerAsset:
    """A folder with a Dockerfile, relative to the assembly's; `tag` is how image names end.

    `dockerfile_text` is None where the folder has no such file.
    """

    asset_hash: str
    directory: str
    dockerfile: str
    target: str | None
    build_args: Mapping[str, str]
    tag: str
    dockerfile_text: str | None = None


@dataclass(frozen=True, slots=True)
class FileAsset:
    """A file or folder, relative to the assembly's; `object_key` is its name in the assets bucket."""

    asset_hash: str
    path: str
    object_key: str


@dataclass(frozen=True, slots=True)
class Assembly:
    """Everything a `cdk synth` left: stacks by name in the order they must be deployed, assets by hash."""

    stacks: Mapping[str, Stack]
    docker_assets: Mapping[str, DockerAsset]
    file_assets: Mapping[str, FileAsset]
