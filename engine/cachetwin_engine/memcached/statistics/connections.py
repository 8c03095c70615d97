"""``stats conns``."""

from cachetwin_engine.memcached.server_state import ServerState
from cachetwin_engine.memcached.statistics.values import Statistics


def connection_statistics(state: ServerState, out: Statistics) -> None:
    """The listening sockets, then the connections."""
    for number, address in enumerate(state.listeners):
        name = b"%d:" % number
        out.add(name + b"addr", address)
        out.add(name + b"state", b"conn_listening")
        out.count(name + b"secs_since_last_cmd", int(state.store.now))
    first = len(state.listeners)
    for descriptor in sorted(state.clients):
        client = state.clients[descriptor]
        name = b"%d:" % (descriptor + first)
        out.add(name + b"addr", client.address)
        out.add(name + b"listen_addr", client.listen_address)
        out.add(name + b"state", client.state_name())
        out.count(name + b"secs_since_last_cmd", int(state.store.now) - client.last_command)
