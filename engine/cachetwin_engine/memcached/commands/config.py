"""config: ElastiCache's auto discovery."""

from typing import Final

from cachetwin_engine.memcached import replies
from cachetwin_engine.memcached.commands.table import command
from cachetwin_engine.memcached.numbers import signed_32, unsigned_32
from cachetwin_engine.memcached.session import Session

CONFIG_BYTES_MAX: Final = 65536
"""The default of the parameter ``config_size_max``."""


@command(
    b"config",
    usage="config get cluster | config set cluster flags bytes | config delete cluster",
    summary="The nodes of the cluster, for clients with auto discovery; of ElastiCache, not of memcached.",
    group="elasticache",
    since="1.4.5",
)
def config(session: Session, words: list[bytes]) -> bytes:
    """The list of nodes."""
    if len(words) < 3 or words[2] != b"cluster":
        return replies.ERROR
    store = session.store
    if words[1] == b"get" and len(words) == 3:
        store.counters.config_gets += 1
        return store.cluster.as_config() if store.cluster.text else replies.END
    if session.settings.elasticache:  # the service sets it, not a client
        return replies.ERROR
    if words[1] == b"delete" and len(words) == 3:
        had = bool(store.cluster.text)
        store.cluster.set_nodes([], 0)
        return replies.DELETED if had else replies.NOT_FOUND
    if words[1] == b"set" and len(words) == 5:
        flags, size = unsigned_32(words[3]), signed_32(words[4])
        if flags < 0 or not 0 <= size <= CONFIG_BYTES_MAX:
            return replies.BAD_FORMAT
        session.flags = flags
        session.receive(size, _set)
        return b""
    return replies.ERROR


def _set(session: Session, value: bytes, ends_well: bool) -> bytes:
    if not ends_well:
        return replies.BAD_CHUNK
    session.store.counters.config_sets += 1
    session.store.cluster.set_text(value, int(session.flags))
    return replies.STORED
