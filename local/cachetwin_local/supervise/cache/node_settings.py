"""The settings that every node of a cache receives: engine, parameters, users and certificate."""

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from cachetwin_local.supervise.project.key_pair import KeyPair
from cachetwin_local.supervise.project.secret_store import SecretStore
from cachetwin_local.topology.values import CacheNode, Endpoint, ReplicationGroup

__all__ = ["ENGINE", "NodeSettings", "users_of"]

ENGINE = (sys.executable, "-m", "cachetwin_engine")

User = dict[str, object]
Document = dict[str, object]


@dataclass(slots=True)
class NodeSettings:
    """What the nodes of one cache have in common.

    `program` is the engine's command line up to its options. `pair` is the certificate of all endpoints, `ca_file` the
    CA that signed it. `topology` is the cluster's for one node, None without cluster mode.
    `shared_endpoints` are the cache's own.
    """

    program: tuple[str, ...]
    profile: str
    parameters: Mapping[str, str]
    users: Callable[[], list[User]]
    ca_file: str
    pair: KeyPair | None = None
    options: tuple[str, ...] = ()
    topology: Callable[[CacheNode], Document | None] = lambda _node: None
    shared_endpoints: tuple[Endpoint, ...] = ()

    @staticmethod
    def _announced(node: CacheNode) -> dict[str, str]:
        """Where clients of the cluster find a node, whichever endpoint they asked at; host names do not resolve here."""
        return {
            "cluster-preferred-endpoint-type": "ip",
            "cluster-announce-ip": node.endpoint.address,
            "cluster-announce-port": str(node.endpoint.port),
        }

    def is_shared(self, endpoint: Endpoint) -> bool:
        """Whether an endpoint is the cache's, so that a node has none of its own."""
        return any((one.address, one.port) == (endpoint.address, endpoint.port) for one in self.shared_endpoints)

    def parameters_of(self, node: CacheNode) -> dict[str, str]:
        """The parameters of one node: the group's, its memory, and where other nodes see it."""
        return {
            **self.parameters,
            "maxmemory": str(node.maxmemory_bytes),
            "replica-announce-ip": node.endpoint.address,
            "replica-announce-port": str(node.endpoint.port),
            **(self._announced(node) if self.options else {}),
        }


def users_of(group: ReplicationGroup, secrets: SecretStore) -> list[User]:
    """The users of a group as the engine gets them; without a user group, the default user alone."""
    text = secrets.text
    if not group.users:
        token = group.auth_token
        kind = "no-password-required" if token is None else "password"
        passwords = [] if token is None else [text(token)]
        return [_user("default", "on ~* &* +@all", kind, passwords)]
    return [
        _user(user.user_name, user.access_string, user.authentication_type, [text(p) for p in user.passwords])
        for user in group.users
    ]


def _user(name: str, access_string: str, authentication: str, passwords: Iterable[str]) -> User:
    return {
        "user_name": name,
        "access_string": access_string,
        "authentication": authentication,
        "passwords": list(passwords),
    }
