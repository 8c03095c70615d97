"""Lambda functions, and what belongs to one: its code, its URL, what becomes of asynchronous invocations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cachetwin_local.assembly.values.text import Text

from .identity import Endpoint, Identity

__all__ = ["AsyncInvocation", "Cors", "Function", "FunctionCode", "FunctionUrl"]


@dataclass(frozen=True, slots=True)
class FunctionCode:
    """The code of a function: a folder or a zip archive of the assembly (`path` relative to it), or `inline` text.

    `asset_hash` names the content of an asset.
    """

    path: str | None = None
    inline: str | None = None
    asset_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Cors:
    """Which other origins may call from a browser. Without `allow_origins` none."""

    allow_origins: tuple[str, ...] = ()
    allow_methods: tuple[str, ...] = ()
    allow_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    allow_credentials: bool = False
    max_age_s: int | None = None


@dataclass(frozen=True, slots=True)
class FunctionUrl:
    """The URL of a function. `qualifier` is the alias that it calls, if any."""

    identity: Identity
    endpoint: Endpoint
    auth_type: Literal["NONE", "AWS_IAM"]
    cors: Cors | None = None
    qualifier: str | None = None


@dataclass(frozen=True, slots=True)
class AsyncInvocation:
    """What becomes of asynchronous invocations: retries, the longest wait, and the ARNs that hear of the end.

    `dead_letters` gets the event itself, the others a record of the invocation.
    """

    retries_max: int = 2
    age_max_s: int = 21_600
    on_success: str | None = None
    on_failure: str | None = None
    dead_letters: str | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """A Lambda function in Python or Node.js.

    `qualifiers` are the names under which versions and aliases of it may be called; all of them run this code.
    `layers` are folders or archives of the assembly. `reserved_concurrency` is None where the template reserves nothing.
    `depends_on` holds the keys of the caches and databases whose endpoints or credentials its variables hold.
    """

    identity: Identity
    runtime: str
    handler: str
    code: FunctionCode
    environment: Mapping[str, Text]
    role: str
    timeout_s: int = 3
    memory_mb: int = 128
    ephemeral_storage_mb: int = 512
    layers: tuple[str, ...] = ()
    reserved_concurrency: int | None = None
    log_group: str = ""
    log_format: Literal["Text", "JSON"] = "Text"
    application_log_level: str | None = None
    system_log_level: str | None = None
    traced: bool = False
    qualifiers: tuple[str, ...] = ()
    url: FunctionUrl | None = None
    asynchronous: AsyncInvocation = field(default_factory=AsyncInvocation)
    security_groups: tuple[str, ...] = ()
    in_vpc: bool = False
    depends_on: tuple[str, ...] = ()
