"""The engines of RDS that a server of this machine can stand for."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["CLUSTERS", "INSTANCES", "Engine", "missing_server"]


@dataclass(frozen=True, slots=True)
class Engine:
    """`server` stands for it. `version` is the one where the template names none.

    Connections must be encrypted where the parameter `forces_tls` says so: by default from the version `since`.
    """

    server: Literal["postgres", "mysql", "mariadb"]
    name: str
    port: int
    version: str
    forces_tls: str
    since: tuple[int, ...]


_POSTGRES: Final = Engine("postgres", "PostgreSQL", 5432, "17", "rds.force_ssl", (15,))
_MYSQL: Final = Engine("mysql", "MySQL", 3306, "8.4", "require_secure_transport", (9, 7))
_MARIADB: Final = Engine("mariadb", "MariaDB", 3306, "11.4", "require_secure_transport", (11, 8))
_NEVER: Final = (1000,)

INSTANCES: Final[Mapping[str, Engine]] = {"postgres": _POSTGRES, "mysql": _MYSQL, "mariadb": _MARIADB}
"""The engines of instances. Since when TLS is forced: RDS user guide, "Requiring SSL/TLS" of each engine."""
CLUSTERS: Final[Mapping[str, Engine]] = {
    "aurora-postgresql": Engine("postgres", "PostgreSQL", 5432, "17", "rds.force_ssl", (17,)),
    "aurora-mysql": Engine("mysql", "MySQL", 3306, "8.0", "require_secure_transport", _NEVER),
    "postgres": _POSTGRES,
    "mysql": _MYSQL,
}
"""The engines of clusters, likewise (Aurora user guide)."""


def missing_server(engine: Engine, servers: Collection[str]) -> str | None:
    """Why an engine does not run here, where no server of `servers` can stand for it."""
    if engine.server == "postgres":
        return None if "postgres" in servers else "no PostgreSQL server is installed here"
    return None if "mysql" in servers else "neither a MySQL nor a MariaDB server is installed here"
