"""Parameter groups: the engine parameters of one or more caches."""

import re
from collections.abc import Mapping

import aws_cdk as cdk
import jsii
from aws_cdk import aws_elasticache as elasticache
from aws_cdk.interfaces import aws_elasticache as refs
from constructs import Construct

from cachetwin_cdk.access._permissions import Permissions
from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import WarningId, known, refuse, require_match, warn
from cachetwin_cdk.monitoring._events import ApiEvents

from ._parameters import check_parameters, warn_of_parameters
from .engine_version import EngineVersion

# Families in the service's API documentation and user guide.
_DOCUMENTED_FAMILIES = frozenset(
    {
        "valkey7", "valkey8", "valkey9", "redis2.6", "redis2.8", "redis3.2", "redis4.0", "redis5.0", "redis6.x", "redis7",
        "memcached1.4", "memcached1.5", "memcached1.6",
    }
)  # fmt: skip


@jsii.implements(refs.IParameterGroupRef)
class ParameterGroupBase(ApiEvents, Permissions, cdk.Resource):
    """A parameter group, defined in this app or imported."""

    parameter_group_name: str
    family: str | None
    """None when it is not known, as for most imported groups."""
    parameters: Mapping[str, str]
    """The parameters known here; none for an imported group."""

    @property
    def parameter_group_arn(self) -> str:
        """The ARN that IAM policies name."""
        return cdk.Stack.of(self).format_arn(
            service="elasticache",
            resource="parametergroup",
            resource_name=self.parameter_group_name,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )

    @property
    def _api_parameter(self) -> tuple[str, str]:
        return "cacheParameterGroupName", self.parameter_group_name

    @property
    def _arn(self) -> str:
        return self.parameter_group_arn

    @property
    def parameter_group_ref(self) -> refs.ParameterGroupReference:
        """The reference that constructs of aws-cdk-lib accept for a parameter group."""
        return refs.ParameterGroupReference(cache_parameter_group_name=self.parameter_group_name)

    @property
    def is_cluster_enabled(self) -> bool | None:
        """Whether the group turns cluster mode on; None when it is not known, as for an imported group."""
        return None


IParameterGroup = ParameterGroupBase
"""The type of a parameter group in signatures, defined in this app or imported."""


# The names of AWS's own groups tell the family, and whether cluster mode is on.
_DEFAULT_GROUP = re.compile(
    r"default\.(valkey\d+|redis(?:[2-5]\.\d+|6\.x|[7-9]|\d\d+)|memcached\d+\.\d+)(\.cluster\.on)?"
)


class _ImportedParameterGroup(ParameterGroupBase):
    def __init__(self, scope: Construct, construct_id: str, *, name: str, family: str | None) -> None:
        require_match(
            "parameter_group_name",
            name,
            r"[a-zA-Z0-9.-]+",
            "be a name of letters, digits, dots and hyphens",
            remedy="write the name as ElastiCache lists it, not the ARN",
        )
        super().__init__(scope, construct_id)
        self._default = _DEFAULT_GROUP.fullmatch(name.lower()) if known(name) else None
        told = self._default[1] if self._default is not None else None
        if family is not None and told is not None and family != told:
            refuse("family", f"be {told} for the group {name}", family, "leave it out")
        self.parameter_group_name = name.lower() if known(name) else name
        self.family, self.parameters = family or told, {}

    @property
    def is_cluster_enabled(self) -> bool | None:
        """What the name of AWS's own group tells; None for another group."""
        return self._default[2] is not None if self._default is not None else None


@checked_arguments
class ParameterGroup(ParameterGroupBase):
    """Engine parameters, in the family of the engine version.

    Defines one AWS::ElastiCache::ParameterGroup. A change of a parameter changes the caches that use the group.

    Args:
        engine_version: The engine version of the caches, which gives the family. A version of another family
            replaces the group.
        parameters: Parameters that differ from the defaults of the family, as text. By default none do.
        family: The family, such as ``valkey8``, where it does not follow from ``engine_version``. By default it
            does. Changing it replaces the group.
        description: A text for the console. By default the path of the construct.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        engine_version: EngineVersion,
        parameters: Mapping[str, str] | None = None,
        family: str | None = None,
        description: str | None = None,
    ) -> None:
        _require_family(family, engine_version)
        self.parameters = dict(parameters or {})
        chosen_family = family or engine_version.parameter_family
        check_parameters(chosen_family, self.parameters)
        super().__init__(scope, construct_id)
        self.family = chosen_family
        warn_of_parameters(self, chosen_family, engine_version, self.parameters)
        if chosen_family not in _DOCUMENTED_FAMILIES:
            warn(
                self,
                WarningId.PARAMETER_FAMILY_UNCONFIRMED,
                f"family {chosen_family!r} is not in the service's documentation; check that "
                "'aws elasticache describe-cache-engine-versions' lists it, then acknowledge this warning",
            )
        resource = elasticache.CfnParameterGroup(
            self,
            "Resource",
            cache_parameter_group_family=self.family,
            description=description or f"Parameters of {self.node.path}",
            properties=self.parameters or None,
        )
        self.parameter_group_name = resource.ref

    @property
    def is_cluster_enabled(self) -> bool:
        """Whether the group turns cluster mode on."""
        return self.parameters.get("cluster-enabled") == "yes"

    @staticmethod
    def from_parameter_group_name(
        scope: Construct, construct_id: str, parameter_group_name: str, *, family: str | None = None
    ) -> IParameterGroup:
        """A parameter group that exists already; with ``family`` it is checked against the engine version."""
        return _ImportedParameterGroup(scope, construct_id, name=parameter_group_name, family=family)


def _require_family(family: str | None, engine_version: EngineVersion) -> None:
    """Raise ValidationError for a family of another engine, and for another known one where the version has its own."""
    if family is None or not known(family, engine_version.version):
        return
    own = engine_version.parameter_family
    if not family.startswith(engine_version.engine.value) or (family != own and own in _DOCUMENTED_FAMILIES):
        refuse("family", f"be that of {engine_version}, {own}", family, "leave it out")
