"""The rules between the arguments of a web application: which of them exclude each other, and what each may be."""

from collections.abc import Mapping, Sequence

from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2

from cachetwin_cdk.access.access_string import AccessString
from cachetwin_cdk.checks._validate import ValidationError, refuse, require_between, require_match
from cachetwin_cdk.serverless.serverless_cache import UsageLimits

from ._cache import Cache, is_clustered
from ._limits import require_command, require_database_name, require_health_check_path
from ._web_database import ExistingDatabase


def require_service(container_port: int, desired_count: int, health_check_path: str) -> None:
    """Raise ValidationError for a port, a number of tasks or a path that the service cannot have."""
    require_between("container_port", container_port, 1, 65535)
    require_between("desired_count", desired_count, 0, 5000)
    require_health_check_path(health_check_path)


def require_commands(
    command: Sequence[str] | None, migrate_command: Sequence[str] | None, database_ca_path: str
) -> None:
    """Raise ValidationError for commands without a word, and for a path that depends on where the service starts."""
    require_command("command", command)
    require_command("migrate_command", migrate_command)
    require_match("database_ca_path", database_ca_path, r"/\S+", "begin with a slash", remedy="write the whole path")


def require_names(cache_key_prefix: str, database_name: str) -> None:
    """Raise ValidationError for a prefix that is a pattern, and for a name that no database can have."""
    require_match("cache_key_prefix", cache_key_prefix, r"[^\s*?\[\]]+", "be literal text", remedy="write it as app:")
    require_database_name(database_name)


def require_stores(
    vpc: ec2.IVpc | None,
    cache: Cache | None,
    database: ExistingDatabase | None,
    *,
    serverless: bool,
    usage_limits: UsageLimits | None,
    nodes: Mapping[str, object],
    instance: Mapping[str, object],
) -> None:
    """Raise ValidationError for arguments of a store that is not used, and for an existing store without its VPC."""
    for name, store in (("cache", cache), ("database", database)):
        if store is not None and vpc is None:
            raise ValidationError(f"vpc must be given with a {name} that exists, got None; pass the VPC it is in")
    if cache is not None and is_clustered(cache):
        refuse("cache", "not be a cluster", cache.node.path, "use one with cluster mode disabled or compatible")
    if cache is not None and serverless:
        refuse("serverless_cache", "be left out when cache is given", serverless, "keep one of them")
    if usage_limits is not None and (cache is not None or not serverless):
        raise ValidationError(
            "cache_usage_limits must be left out without serverless_cache, got some; set serverless_cache=True, or give "
            "nodes their size with cache_node_type"
        )
    for name, value in nodes.items():
        if value is not None and (cache is not None or serverless):
            refuse(name, "be left out without nodes of the pattern's own", value, "leave it out")
    for name, value in instance.items():
        if value is not None and database is not None:
            refuse(name, "be left out when database is given", value, "leave it out")


def require_no_other_cache(
    cache: Cache | None,
    cache_access: AccessString | None,
    *,
    serverless: bool,
    replicas: int | None,
    rotation_days: int | None,
) -> None:
    """Raise ValidationError for arguments of a cache that Memcached nodes leave no room or use for."""
    if cache is not None:
        refuse("memcached_nodes", "be left out when cache is given", cache.node.path, "keep one of them")
    if serverless:
        refuse("memcached_nodes", "be left out when serverless_cache is set", serverless, "keep one of them")
    given = {"cache_access": cache_access, "cache_replicas": replicas, "rotate_cache_password_days": rotation_days}
    for name, value in given.items():
        if value is not None:
            refuse(name, "be left out with memcached_nodes", value, "Memcached has no users and no replicas")


def require_scheme(certificate: acm.ICertificate | None, *, allow_plain_http: bool) -> None:
    """Raise ValidationError unless either a certificate is given or plain HTTP is asked for."""
    if certificate is None and not allow_plain_http:
        raise ValidationError(
            "certificate must be given for HTTPS, got None; pass one, or set allow_plain_http=True to serve without "
            "encryption"
        )
    if certificate is not None and allow_plain_http:
        refuse("allow_plain_http", "be False with a certificate", allow_plain_http, "leave it out: HTTPS is served")
