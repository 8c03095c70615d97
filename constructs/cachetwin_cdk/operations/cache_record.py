"""A DNS name for a cache, in Route 53.

The record is a CNAME, because alias records of Route 53 do not support ElastiCache. It follows a failover, because the
endpoint does. Two restrictions are checked:

- The TLS certificate of a cache contains the host name of its endpoint only. A client that verifies host names refuses the
  certificate under another name, unless it is configured with the name to expect. Turning the verification off allows
  attacks.
- Clients with auto discovery recognise a configuration endpoint by ``.cfg.`` in its name (user guide,
  "Automatically identify nodes in your cluster"; the API's words on ``ConfigurationEndpoint``).
"""

from enum import StrEnum

import aws_cdk as cdk
from aws_cdk import aws_route53 as route53
from constructs import Construct

from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import ValidationError, WarningId, known, refuse, require_match, warn
from cachetwin_cdk.memcached_cluster import IMemcachedCluster
from cachetwin_cdk.network.endpoint import Endpoint
from cachetwin_cdk.replication_group._base import IReplicationGroup
from cachetwin_cdk.serverless._base import IServerlessCache

Cache = IReplicationGroup | IServerlessCache | IMemcachedCluster
_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"


class EndpointKind(StrEnum):
    """Which of a cache's endpoints."""

    PRIMARY = "primary"
    READER = "reader"
    CONFIGURATION = "configuration"


@checked_arguments
class CacheRecord(Construct):
    """A name in a hosted zone of Route 53 that leads to a cache.

    Defines one AWS::Route53::RecordSet of type CNAME.

    Args:
        cache: The cache that the name leads to, of any kind.
        zone: The hosted zone: a private one of the VPC whose clients use the name. A public zone is warned of.
        record_name: The name within the zone, such as ``orders``; for Memcached it has to contain ``.cfg.``, as in
            ``orders.cfg``. Changing it replaces the record.
        endpoint: Which endpoint of the cache. By default the one that clients connect to first: the endpoint of a
            serverless cache, the primary endpoint, or the configuration endpoint of a cluster and of Memcached.
        ttl: How long clients may keep the answer. One minute by default.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        cache: Cache,
        zone: route53.IHostedZone,
        record_name: str,
        endpoint: EndpointKind | None = None,
        ttl: cdk.Duration | None = None,
    ) -> None:
        _require_name(record_name, zone)
        target = cache.main_endpoint if endpoint is None else _chosen(cache, endpoint)
        if isinstance(cache, IMemcachedCluster):
            _require_discoverable(record_name, zone)
        super().__init__(scope, construct_id)
        record = route53.CnameRecord(
            self,
            "Resource",
            zone=zone,
            record_name=record_name,
            domain_name=target.hostname,
            ttl=ttl or cdk.Duration.minutes(1),
            comment=f"Cache {cache.node.path}",
        )
        self.endpoint = Endpoint(record.domain_name, target.port)
        """The name of the record and the port of the cache."""
        self._add_warnings(cache, zone)

    def _add_warnings(self, cache: Cache, zone: route53.IHostedZone) -> None:
        if cache.uses_tls is not False:
            warn(
                self,
                WarningId.RECORD_BESIDE_THE_CERTIFICATE,
                "the certificate of the cache names its own endpoint, not this record: a client that verifies host names "
                f"refuses it{'' if cache.uses_tls else ' if the cache uses TLS'}; have clients expect the endpoint's name "
                "(server name of their TLS context), or use the endpoint itself, then acknowledge this warning",
            )
        if isinstance(zone, route53.PublicHostedZone):
            warn(
                self,
                WarningId.RECORD_IN_A_PUBLIC_ZONE,
                "the record shows anybody the name of a cache that only a VPC can reach; use a PrivateHostedZone",
            )


def _chosen(cache: Cache, kind: EndpointKind) -> Endpoint:
    """The endpoint of that kind. Raises ValidationError when this cache has none."""
    kinds = ["configuration"] if isinstance(cache, IMemcachedCluster) else ["primary", "reader"]
    if isinstance(cache, IReplicationGroup):
        kinds.append("configuration")
    if kind.value not in kinds:
        refuse("endpoint", f"be {' or '.join(kinds)} for this kind of cache", kind, "leave it out")
    if isinstance(cache, IServerlessCache):
        return cache.endpoint if kind is EndpointKind.PRIMARY else cache.reader_endpoint
    endpoint: Endpoint = getattr(cache, f"{kind.value}_endpoint")
    return endpoint


def _require_name(record_name: str, zone: route53.IHostedZone) -> None:
    """Require a name below the zone: a CNAME is not allowed at the apex of a zone."""
    require_match(
        "record_name",
        record_name,
        rf"{_LABEL}(\.{_LABEL})*\.?",
        "be a host name, such as orders",
        remedy="give labels of letters, digits and hyphens; the zone's name may follow",
    )
    if known(record_name, zone.zone_name) and record_name.rstrip(".").lower() == zone.zone_name.rstrip(".").lower():
        raise ValidationError(
            f"record_name must be a name below the zone, got the zone's own {record_name!r}; a CNAME cannot stand there: "
            "put a label before it"
        )


def _require_discoverable(record_name: str, zone: route53.IHostedZone) -> None:
    if not known(record_name, zone.zone_name):
        return
    name = record_name.rstrip(".")
    name = name if name.endswith(zone.zone_name) else f"{name}.{zone.zone_name}"
    if ".cfg." not in name:
        refuse(
            "record_name",
            "hold .cfg. for Memcached, or clients with auto discovery take it for a single node",
            name,
            "call it such as orders.cfg",
        )
