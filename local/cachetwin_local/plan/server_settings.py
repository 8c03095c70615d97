"""What ``cachetwin.toml`` says of caches and databases, in the words of their servers."""

from dataclasses import replace
from typing import Final

from cachetwin_local.plan.choice import names_of
from cachetwin_local.settings import Settings
from cachetwin_local.topology.values import Database, ReplicationGroup

__all__ = ["with_settings"]

_CACHE_LEVELS: Final = {"debug": "debug", "info": "notice", "warning": "warning", "error": "warning"}
_MYSQL_LEVELS: Final = {"debug": "9", "info": "2", "warning": "1", "error": "0"}
_POSTGRES_LEVELS: Final = {"debug": "debug1", "info": "info", "warning": "warning", "error": "error"}


def with_settings(value: object, settings: Settings) -> object:
    """A cache or a database with the log level of `settings`, a cluster with how it announces its nodes."""
    if not isinstance(value, ReplicationGroup | Database):
        return value
    names = names_of(value.identity)
    parameters = dict(value.parameters)
    level = settings.log_level(*names)
    if level is not None:
        name, words = _log_parameter(value)
        parameters[name] = words[level]
    if is_cluster(value) and settings.node_naming(*names) == "name":
        parameters["cluster-preferred-endpoint-type"] = "hostname"
    return value if parameters == value.parameters else replace(value, parameters=parameters)


def is_cluster(value: object) -> bool:
    """Whether it is a cache whose clients are told of its nodes."""
    return isinstance(value, ReplicationGroup) and value.cluster_mode != "disabled"


def _log_parameter(server: ReplicationGroup | Database) -> tuple[str, dict[str, str]]:
    if isinstance(server, ReplicationGroup):
        return "loglevel", _CACHE_LEVELS
    if server.engine == "postgres":
        return "log_min_messages", _POSTGRES_LEVELS
    return "log_warnings", _MYSQL_LEVELS
