"""The endpoints of a topology as rows for people and as environment variables."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cachetwin_local.supervise.project.secret_store import SecretStore
from cachetwin_local.topology.values import (
    CacheUser,
    Database,
    Endpoint,
    Identity,
    MemcachedCluster,
    ReplicationGroup,
    Topology,
)

__all__ = ["EndpointRow", "endpoint_rows", "endpoint_variables"]

_SERVERS = {"postgres": "PostgreSQL", "mysql": "MySQL", "mariadb": "MariaDB"}


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """One endpoint: its resource, its address, its TLS mode, its users, and the server behind it."""

    name: str
    endpoint: str
    tls: str
    user: str
    answers: str


def endpoint_rows(topology: Topology, secrets: SecretStore) -> list[EndpointRow]:
    """Every endpoint of the topology, load balancers first."""
    found = []
    for balancer in topology.load_balancers:
        for listener in balancer.listeners:
            scheme = listener.protocol.lower()
            url = f"{scheme}://{listener.endpoint.address}:{listener.endpoint.port}/"
            aws_port = listener.endpoint.port_on_aws
            answers = "load balancer" + ("" if aws_port == listener.endpoint.port else f" (port {aws_port} on AWS)")
            found.append(
                EndpointRow(balancer.identity.key, url, "required" if scheme == "https" else "off", "", answers)
            )
    for api in topology.http_apis:
        for stage in api.stages:
            name = f"{api.identity.key}" + ("" if stage.name == "$default" else f" ({stage.name})")
            url = f"http://{_at(api.endpoint)}/" + ("" if stage.name == "$default" else f"{stage.name}/")
            found.append(EndpointRow(name, url, "off", "", f"{api.kind} API"))
    found += [
        EndpointRow(function.identity.key, f"http://{_at(function.url.endpoint)}/", "off", "", "function URL")
        for function in topology.functions
        if function.url is not None
    ]
    for group in topology.replication_groups:
        users = ", ".join(user.user_name for user in _users_on(group)) if group.users else "default"
        for role, endpoint in _cache_endpoints(group):
            name = f"{group.identity.key} ({role})"
            answers = _who_answers(group, role)
            found.append(EndpointRow(name, _at(endpoint), endpoint.tls, users, f"{group.profile}, {answers}"))
    for cluster in topology.memcached_clusters:
        key = cluster.identity.key
        for role, endpoint, answers in _memcached_endpoints(cluster):
            found.append(
                EndpointRow(f"{key} ({role})", _at(endpoint), endpoint.tls, "", f"{cluster.profile}, {answers}")
            )
    for database in topology.databases:
        tls = "required" if database.force_ssl else "preferred"
        user, name = secrets.text(database.username), _database_name(database)
        server = _SERVERS[database.engine] + (f", database {name}" if name else "")
        found.append(EndpointRow(database.identity.key, _at(database.endpoint), tls, user, server))
    return found


def endpoint_variables(
    topology: Topology, secrets: SecretStore, bundle_file: Path, *, with_secrets: bool
) -> dict[str, str]:
    """Environment variables with every endpoint, named by logical id: ``CACHE_HOST``, ``DATABASE_URL``, ...

    The stack comes first in the names of those that would share one: ``SHOP_CACHE_HOST``, ``BLOG_CACHE_HOST``. Passwords
    are left out unless `with_secrets`. The CA bundle comes under the names that TLS libraries read.
    """
    found: dict[str, str] = {}
    prefixes = _prefixes(topology)
    for balancer in topology.load_balancers:
        for listener in balancer.listeners:
            url = f"{listener.protocol.lower()}://{listener.endpoint.address}:{listener.endpoint.port}"
            found.setdefault(f"{prefixes[balancer.identity.key]}_URL", url)
    for group in topology.replication_groups:
        found |= _cache_variables(prefixes[group.identity.key], group, secrets, with_secrets=with_secrets)
    for cluster in topology.memcached_clusters:
        prefix = prefixes[cluster.identity.key]
        found[f"{prefix}_HOST"] = cluster.endpoint.address
        found[f"{prefix}_PORT"] = str(cluster.endpoint.port)
        if cluster.reader_endpoint is not None:
            found[f"{prefix}_READER_HOST"] = cluster.reader_endpoint.address
            found[f"{prefix}_READER_PORT"] = str(cluster.reader_endpoint.port)
    for database in topology.databases:
        found |= _database_variables(prefixes[database.identity.key], database, secrets, with_secrets=with_secrets)
    names = ("CACHETWIN_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE", "PGSSLROOTCERT")
    return {**found, **dict.fromkeys(names, str(bundle_file))} if found else {}


def _prefixes(topology: Topology) -> dict[str, str]:
    """The beginning of each resource's variables, by its key: no two resources share one."""
    identities = [
        *(balancer.identity for balancer in topology.load_balancers),
        *(group.identity for group in topology.replication_groups),
        *(cluster.identity for cluster in topology.memcached_clusters),
        *(database.identity for database in topology.databases),
    ]
    found: dict[str, str] = {}
    left = identities
    for named in (_by_id, _by_stack_and_id, _by_whole_name):
        counts = Counter(named(identity) for identity in left)
        used = set(found.values())
        free = [identity for identity in left if counts[named(identity)] == 1 and named(identity) not in used]
        found |= {identity.key: named(identity) for identity in free}
        left = [identity for identity in left if identity.key not in found]
    return found | {identity.key: f"{_by_whole_name(identity)}_{number}" for number, identity in enumerate(left, 1)}


def _by_id(identity: Identity) -> str:
    return _prefix(identity.logical_id)


def _by_stack_and_id(identity: Identity) -> str:
    return f"{_prefix(identity.stack)}_{_prefix(identity.logical_id)}"


def _by_whole_name(identity: Identity) -> str:
    return re.sub(r"\W+", "_", identity.key).upper()


def _cache_variables(
    prefix: str, group: ReplicationGroup, secrets: SecretStore, *, with_secrets: bool
) -> dict[str, str]:
    endpoint, reader = group.endpoint, group.reader_endpoint
    scheme = "redis" if endpoint.tls == "off" else "rediss"
    found = {
        f"{prefix}_HOST": endpoint.address,
        f"{prefix}_PORT": str(endpoint.port),
        f"{prefix}_URL": f"{scheme}://{endpoint.address}:{endpoint.port}",
    }
    if reader is not None:
        found |= {f"{prefix}_READER_HOST": reader.address, f"{prefix}_READER_PORT": str(reader.port)}
    for user in _users_on(group):
        named = f"{prefix}_{_prefix(user.user_name)}"
        found[f"{named}_USER"] = user.user_name
        if with_secrets and user.passwords:
            found[f"{named}_PASSWORD"] = secrets.text(user.passwords[0])
    if with_secrets and group.auth_token is not None and not group.users:
        found[f"{prefix}_PASSWORD"] = secrets.text(group.auth_token)
    return found


def _database_variables(prefix: str, database: Database, secrets: SecretStore, *, with_secrets: bool) -> dict[str, str]:
    endpoint, name = database.endpoint, _database_name(database)
    user = secrets.text(database.username)
    scheme, verified = ("postgresql", "sslmode=verify-full")
    if database.engine != "postgres":
        scheme, verified = "mysql", "ssl-mode=VERIFY_IDENTITY"
    found = {
        f"{prefix}_HOST": endpoint.address,
        f"{prefix}_PORT": str(endpoint.port),
        f"{prefix}_NAME": name,
        f"{prefix}_USER": user,
        f"{prefix}_URL": f"{scheme}://{user}@{endpoint.address}:{endpoint.port}/{name}?{verified}",
    }
    if with_secrets:
        found[f"{prefix}_PASSWORD"] = secrets.text(database.password)
    return found


def _database_name(database: Database) -> str:
    """The database that a client names; MySQL's clients need none."""
    return database.db_name or ("postgres" if database.engine == "postgres" else "")


def _users_on(group: ReplicationGroup) -> list[CacheUser]:
    """The users that may log in: those whose access string says ``on``, as on the service."""
    return [user for user in group.users if "on" in user.access_string.split()]


def _cache_endpoints(group: ReplicationGroup) -> Iterator[tuple[str, Endpoint]]:
    named = {
        "primary": group.primary_endpoint,
        "reader": group.reader_endpoint,
        "configuration": group.configuration_endpoint,
    }
    yield from ((role, endpoint) for role, endpoint in named.items() if endpoint is not None)


def _memcached_endpoints(cluster: MemcachedCluster) -> Iterator[tuple[str, Endpoint, str]]:
    """The endpoints of a cluster, each with its role and who answers."""
    if cluster.reader_endpoint is None:
        yield "configuration", cluster.configuration_endpoint, "every node"
        return
    yield "primary", cluster.endpoint, "serverless"
    yield "reader", cluster.reader_endpoint, "serverless"


def _who_answers(group: ReplicationGroup, role: str) -> str:
    if role == "configuration":
        return "every node"
    return "the primary" if role == "primary" or len(group.nodes) == 1 else "the replicas"


def _at(endpoint: Endpoint) -> str:
    return f"{endpoint.address}:{endpoint.port}"


def _prefix(logical_id: str) -> str:
    """A logical id as the beginning of a variable's name: ``WebAppCache1A2B3C4D`` is ``WEB_APP_CACHE``."""
    without_hash = re.sub(r"(?<=.)[0-9A-F]{8}$", "", logical_id)
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", without_hash)
    return re.sub(r"\W+", "_", words).upper().strip("_")
