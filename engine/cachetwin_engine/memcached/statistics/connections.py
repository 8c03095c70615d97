"""``stats conns``."""

from cachetwin_engine.memcached.server_state import ServerState
from cachetwin_engine.memcached.statistics.values import Statistics


def connection_statistics(state: ServerState, asking: int, out: Statistics) -> None:
    """The listening sockets, then the connections; ``asking`` is the descriptor of the one that wants to know."""
    for descriptor, address in state.listeners:
        name = b"%d:" % descriptor
        out.add(name + b"addr", address)
        out.add(name + b"state", b"conn_listening")
        out.count(name + b"secs_since_last_cmd", int(state.store.now))
    for descriptor in sorted(state.clients):
        client = state.clients[descriptor]
        name = b"%d:" % descriptor
        out.add(name + b"addr", client.address)
        out.add(name + b"listen_addr", client.listen_address)
        out.add(name + b"state", b"conn_parse_cmd" if descriptor == asking else client.state_name())
        out.count(name + b"secs_since_last_cmd", int(state.store.now) - client.last_command)
