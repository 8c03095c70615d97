"""Checks at synth: what ElastiCache refuses during a deployment is refused at once.

Every message says which property, what is allowed, what it got and what to do. A value with an unresolved token (a
parameter, an attribute of another resource) is unknown until deployment, so every check accepts it.
"""

import re
import struct
from collections.abc import Callable, Collection, Sequence
from enum import StrEnum
from typing import NoReturn

import constructs
import jsii
from aws_cdk import Annotations, Token
from constructs import IConstruct

# How the CDK encodes a token (core/lib/private/encoding.ts): in a text between marks, in a list as its only element, and
# in a number as a double with certain highest 16 bits.
_TEXT_TOKEN = re.compile(r"\$\{Token\[[a-zA-Z0-9:._-]+\]\}")
_LIST_TOKEN = re.compile(r"#\{Token\[[a-zA-Z0-9:._-]+\]\}")
_NUMBER_TOKEN_START = b"\xfb\xff"
_NUMBER_TOKENS_BELOW = -1e288


class ValidationError(ValueError):
    """A property, or a combination of properties, that ElastiCache would not accept."""


def known(*values: object) -> bool:
    """Whether every value is known at synth, that is, holds no unresolved token."""
    return not any(_unresolved(value) for value in values)


def known_elements(values: Sequence[str]) -> Sequence[str]:
    """The elements of a list, or none when the list as a whole is a token, such as a parameter's ``value_as_list``."""
    return values if known(list(values)) else ()


def _unresolved(value: object) -> bool:
    """As ``Token.is_unresolved``, but without a call to Node.js for plain values, which are nearly all."""
    if value is None or isinstance(value, bool):
        return False
    if isinstance(value, str):
        return _TEXT_TOKEN.search(value) is not None
    if isinstance(value, (int, float)):
        return value < _NUMBER_TOKENS_BELOW and struct.pack(">d", value).startswith(_NUMBER_TOKEN_START)
    if isinstance(value, (list, tuple)):
        return len(value) == 1 and isinstance(value[0], str) and _LIST_TOKEN.search(value[0]) is not None
    return Token.is_unresolved(value)


def refuse(name: str, allowed: str, got: object, remedy: str) -> NoReturn:
    """Raise ``<name> must <allowed>, got <got>; <remedy>``."""
    raise ValidationError(f"{name} must {allowed}, got {_shown(got)}; {remedy}")


def _shown(got: object) -> str:
    """Numbers and lists unquoted, anything else as quoted text."""
    return str(got) if isinstance(got, (int, float, list)) else repr(str(got))


def require_between(name: str, value: float | None, low: int, high: int, *, unit: str = "", remedy: str = "") -> None:
    """Require ``low <= value <= high``; None and tokens pass."""
    if value is None or not known(value) or low <= value <= high:
        return
    unit = f" {unit}" if unit else ""
    refuse(name, f"be between {low} and {high}{unit}", value, remedy or f"choose a number in that range for {name}")


def require_at_least(name: str, value: float | None, low: int, *, unit: str = "") -> None:
    """Require ``low <= value``; None and tokens pass."""
    if value is not None and known(value) and value < low:
        refuse(name, f"be at least {low}{f' {unit}' if unit else ''}", value, "choose a larger number")


def require_match(name: str, value: str | None, pattern: str, allowed: str, *, remedy: str) -> None:
    """Require that the whole of ``value`` matches ``pattern``, whose digits are ASCII's; None and tokens pass."""
    if value is not None and known(value) and re.fullmatch(pattern, value, re.ASCII) is None:
        refuse(name, allowed, value, remedy)


def require_one_of(name: str, value: str | None, allowed: Collection[str], *, remedy: str) -> None:
    """Require that ``value`` is among ``allowed``; None and tokens pass."""
    if value is not None and known(value) and value not in allowed:
        refuse(name, f"be one of {', '.join(sorted(allowed))}", value, remedy)


def require_at_most_one(**pairs: tuple[object, str, object]) -> None:
    """Require that of two arguments at most one is given: ``name=(given, other_name, other)``."""
    for name, (given, other_name, other) in pairs.items():
        if given is not None and other is not None:
            raise ValidationError(f"{name} must be left out when {other_name} is given, got both; keep one of them")


class WarningId(StrEnum):
    """The ids under which users acknowledge warnings: changing one is a breaking change. docs/security.md explains them."""

    ALARMS_ON_FIXED_NODES = "cachetwin:alarms-on-fixed-nodes"
    AT_REST_OFF = "cachetwin:at-rest-off"
    COMPLIANCE_UNMET = "cachetwin:compliance-unmet"
    CONTAINER_AS_ROOT = "cachetwin:container-as-root"
    DATA_TIERING_UNCONFIRMED = "cachetwin:data-tiering-unconfirmed"
    DURABILITY_FAMILY_UNCONFIRMED = "cachetwin:durability-family-unconfirmed"
    ENGINE_END_OF_LIFE = "cachetwin:engine-end-of-life"
    ENGINE_VERSION_UNCONFIRMED = "cachetwin:engine-version-unconfirmed"
    KEY_DESTROYED = "cachetwin:key-destroyed"
    MANY_ALARMS = "cachetwin:many-alarms"
    MEMCACHED_NODES_UNCONFIRMED = "cachetwin:memcached-nodes-unconfirmed"
    MINOR_UPGRADES_IGNORED = "cachetwin:minor-upgrades-ignored"
    NO_PASSWORD = "cachetwin:no-password"  # noqa: S105  (an id)
    NO_BACKUPS = "cachetwin:no-backups"
    NO_REPLICA = "cachetwin:no-replica"
    NODE_QUOTA = "cachetwin:node-quota"
    NODE_TYPE_UNCONFIRMED = "cachetwin:node-type-unconfirmed"
    NO_NOTIFICATIONS = "cachetwin:no-notifications"
    ONE_ZONE = "cachetwin:one-zone"
    OPEN_TO_ANY_ADDRESS = "cachetwin:open-to-any-address"
    OTHER_VPC = "cachetwin:other-vpc"
    PARAMETER_FAMILY_UNCONFIRMED = "cachetwin:parameter-family-unconfirmed"
    PARAMETER_OF_NEWER_VERSION = "cachetwin:parameter-of-newer-version"
    PARAMETER_UNCONFIRMED = "cachetwin:parameter-unconfirmed"
    PREVIOUS_GENERATION_NODE = "cachetwin:previous-generation-node"
    PUBLIC_SUBNETS = "cachetwin:public-subnets"
    RATE_QUOTA = "cachetwin:rate-quota"
    RECORD_BESIDE_THE_CERTIFICATE = "cachetwin:record-beside-the-certificate"
    RECORD_IN_A_PUBLIC_ZONE = "cachetwin:record-in-a-public-zone"
    REGION_UNCONFIRMED = "cachetwin:region-unconfirmed"
    RESTRICTED_SUBCOMMAND = "cachetwin:restricted-subcommand"
    ROTATION_WITHOUT_ROUTE = "cachetwin:rotation-without-route"
    SEARCH_MEMORY = "cachetwin:search-memory"
    SECURITY_GROUP_QUOTA = "cachetwin:security-group-quota"
    SERVERLESS_SUBNETS = "cachetwin:serverless-subnets"
    SLOTS = "cachetwin:slots"
    SUBNETS_WITHOUT_IPV6 = "cachetwin:subnets-without-ipv6"
    TLS_OFF = "cachetwin:tls-off"
    TLS_PREFERRED = "cachetwin:tls-preferred"
    UNAUTHENTICATED = "cachetwin:unauthenticated"
    USER_OFF = "cachetwin:user-off"
    WINDOW_UNCONFIRMED = "cachetwin:window-unconfirmed"
    WINDOWS_OVERLAP = "cachetwin:windows-overlap"


def warn(scope: IConstruct, warning_id: WarningId, message: str) -> None:
    """Attach a warning that can be acknowledged under its id."""
    Annotations.of(scope).add_warning_v2(warning_id.value, message)


def validate_at_synth(construct: IConstruct, check: Callable[[], None]) -> None:
    """Run ``check`` at the end of synthesis, when all constructs have been added.

    A ValidationError that it raises fails the synthesis under the path of ``construct``.
    """
    construct.node.add_validation(_SynthCheck(check))


@jsii.implements(constructs.IValidation)
class _SynthCheck:
    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check

    def validate(self) -> list[str]:
        try:
            self._check()
        except ValidationError as error:
            return [str(error)]
        return []
