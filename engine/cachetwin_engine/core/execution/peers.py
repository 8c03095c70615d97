"""How the nodes of a cluster know each other: the first words of a connection between two of them.

A client that sends them gets the error for an unknown command, as for any other words that are no command.
"""

from typing import TYPE_CHECKING, Final

from cachetwin_engine.core.protocol.replies import OK
from cachetwin_engine.core.state.client import Client
from cachetwin_engine.core.text.numbers import integer_or_none

if TYPE_CHECKING:
    from cachetwin_engine.core.engine_parts import EngineParts

GREETING: Final = b"CACHETWIN-PEER"
OLDER: Final = b"-ERR the topology here is older\r\n"


def greeting(node_id: bytes, epoch: int, secret: bytes) -> list[bytes]:
    """The words of a node that needs the other side to have a topology of at least ``epoch``."""
    return [GREETING, node_id, b"%d" % epoch, secret]


def greeted(engine: "EngineParts", client: Client, args: list[bytes]) -> bytes:
    """The reply to words that are no command if they are another node's greeting, else nothing."""
    cluster = engine.cluster
    if cluster is None or args[0] != GREETING or len(args) != 4 or not _is_secret(args[3], cluster.secret):
        return b""
    if (integer_or_none(args[2]) or 0) > cluster.current_epoch:
        return OLDER
    engine.mark_internal(client)
    client.peer_id = args[1]
    return OK


def _is_secret(given: bytes, secret: bytes) -> bool:
    """Compare all bytes, so that the time it takes says nothing."""
    if not secret or len(given) != len(secret):
        return False
    difference = 0
    for at in range(len(secret)):
        difference |= given[at] ^ secret[at]
    return difference == 0
