"""Which servers for RDS's engines this machine has."""

from cachetwin_local.supervise.mysql.installations import installations as mysql_installations
from cachetwin_local.supervise.postgres.installations import installations as postgres_installations

__all__ = ["installed_servers"]


def installed_servers() -> frozenset[str]:
    """``postgres`` and ``mysql``, as far as they are here; a MySQL server stands for MariaDB and the other way round."""
    found = {"postgres": postgres_installations(), "mysql": mysql_installations()}
    return frozenset(name for name, servers in found.items() if servers)
