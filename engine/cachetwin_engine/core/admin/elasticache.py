"""What Amazon ElastiCache changes about an engine: commands it closes, parameters that only the service has.

Sources: the user guide's list of restricted commands (supported and restricted commands, April 2026) and its parameter
tables. The reply for a closed command was recorded from the service: the text for an unknown one. That closed sub-commands
get the text for an unknown sub-command is our inference; ``docs/differences.md`` says so.
"""

from typing import TYPE_CHECKING, Final

from cachetwin_engine.core.config.config import Config
from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.registry.command_table import Command

from .config_changes import follow_config

if TYPE_CHECKING:
    from cachetwin_engine.core.engine_parts import EngineParts

RESTRICTED: Final[list[bytes]] = [
    b"acl|setuser", b"acl|load", b"acl|save", b"acl|deluser", b"bgrewriteaof", b"bgsave", b"cluster|addslots",
    b"cluster|addslotsrange", b"cluster|bumpepoch", b"cluster|delslots", b"cluster|delslotsrange", b"cluster|failover",
    b"cluster|flushslots", b"cluster|forget", b"cluster|links", b"cluster|meet", b"cluster|setslot", b"config", b"debug",
    b"migrate", b"psync", b"replicaof", b"save", b"slaveof", b"shutdown", b"sync",
]  # fmt: skip

OF_PEERS: Final[list[bytes]] = [b"psync", b"sync"]  # closed to clients, but nodes need them among themselves

SERVICE_ONLY: Final = {  # parameters that the open engines do not have; what they mean is up to the service
    "reserved-memory", "reserved-memory-percent", "rename-commands", "lua-replicate-commands",
    "slave-allow-chaining", "replica-allow-chaining", "cluster-databases",
}  # fmt: skip
_CLOSES_ON_REPLICA_WRITE: Final = {"close-on-replica-write", "close-on-slave-write"}
_BUFFER_LIMIT: Final = "client-output-buffer-limit-"
_BUFFER_PARTS: Final = ["hard-limit", "soft-limit", "soft-seconds"]


def become_elasticache(engine: "EngineParts") -> None:
    """Behave as the service's nodes do: restricted commands are unknown, hashes and the machine stay hidden."""
    engine.elasticache = True
    engine.config.names_nodes_by_tls = True
    engine.config.closes_on_replica_write = True
    engine.replication.closed_commands = close_restricted(engine.commands)
    engine.scripts.forget_rows()
    for client in engine.clients.connected.values():
        client.last_row = None


def take_over_parameter_group(engine: "EngineParts", parameters: dict[str, str]) -> list[str]:
    """Let a running engine follow a parameter group; the names that only the service has are returned.

    Raises CommandError.
    """
    service = apply_parameter_group(engine.config, parameters)
    rename_commands_of(engine, parameters.get("rename-commands", ""))
    follow_config(engine)
    return service


def rename_commands_of(engine: "EngineParts", pairs: str) -> None:
    """Give commands other names, or ``blocked``; rules of users still use the old names. Raises CommandError."""
    if pairs:
        engine.acl.table = dict(engine.commands)
        rename_commands(engine.commands, pairs)
        engine.scripts.forget_rows()


def close_restricted(table: dict[bytes, Command]) -> dict[bytes, Command]:
    """Take the commands that the service does not offer out of the table; those of them that peers use."""
    of_peers = {name: table[name] for name in OF_PEERS if name in table}
    close_commands(table, RESTRICTED)
    return of_peers


def close_commands(table: dict[bytes, Command], names: list[bytes]) -> None:
    """Take commands, and sub-commands such as ``client|kill``, out of the table."""
    for name in names:
        parent, bar, sub = name.partition(b"|")
        row = table.get(parent)
        if row is None:
            continue
        if not bar:
            del table[parent]
            del table[parent.upper()]
        elif row.subcommands is not None:
            row.subcommands.pop(sub, None)


def rename_commands(table: dict[bytes, Command], value: str) -> None:
    """Apply the parameter ``rename-commands``: pairs of a command and its new name, ``blocked`` to take it away.

    Raises CommandError naming the word that is no command.
    """
    words = value.split()
    if len(words) % 2:
        raise CommandError(
            b"ERR rename-commands must be pairs of a command and its new name, got an odd number of words"
        )
    for at in range(0, len(words), 2):
        old = words[at].lower().encode()
        row = table.pop(old, None)
        if row is None:
            raise CommandError(b"ERR rename-commands must name commands, got '" + old + b"'")
        table.pop(old.upper(), None)
        if words[at + 1].lower() != "blocked":
            new = words[at + 1].lower().encode()
            table[new] = row
            table[new.upper()] = row


def apply_parameter_group(config: Config, parameters: dict[str, str]) -> list[str]:
    """Set a parameter group's values; the names that are the service's own business are returned.

    The service writes each part of an output buffer limit as a parameter of its own
    (``client-output-buffer-limit-pubsub-hard-limit``). Raises CommandError naming a parameter that is unknown or wrong.
    """
    service: list[str] = []
    limits: dict[str, dict[str, str]] = {}
    for name, value in parameters.items():
        if name.startswith(_BUFFER_LIMIT):
            kind, _, part = name[len(_BUFFER_LIMIT) :].partition("-")
            limits.setdefault("replica" if kind == "slave" else kind, {})[part] = value
        elif name in _CLOSES_ON_REPLICA_WRITE:
            config.closes_on_replica_write = value == "yes"
        elif name in SERVICE_ONLY or config.get(name) is None:
            if name not in SERVICE_ONLY and config.profile.is_valkey and not _is_known_elsewhere(name):
                raise CommandError(b"ERR unknown parameter '" + name.encode() + b"'")
            service.append(name)
        elif name == "cluster-preferred-endpoint-type" and value == "tls-dynamic":
            config.names_nodes_by_tls = True
        else:
            if name == "cluster-preferred-endpoint-type":
                config.names_nodes_by_tls = False
            config.set_at_start(name, value)
    for kind, parts in limits.items():
        limit = config.clients.buffer_limits[b"slave" if kind == "replica" else kind.encode()]
        current = [str(limit.hard_bytes), str(limit.soft_bytes), str(limit.soft_seconds)]
        words = [parts.get(part, current[at]) for at, part in enumerate(_BUFFER_PARTS)]
        config.set_at_start("client-output-buffer-limit", " ".join([kind, *words]))
    return service


def _is_known_elsewhere(name: str) -> bool:
    """Parameters of modules (search, JSON) that the service lists in its groups."""
    return name.startswith(("search-", "json.", "bf."))
