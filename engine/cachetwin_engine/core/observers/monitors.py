"""MONITOR: clients that see every command as it is run.

They are in ``EngineState.monitors``, which dispatch asks after each command.
"""

from cachetwin_engine.core.registry.dispatch_flags import CLIENT_MONITOR
from cachetwin_engine.core.state.client import Caller, Client
from cachetwin_engine.core.state.engine_state import EngineState
from cachetwin_engine.core.text.quoting import quoted


def start_monitor(engine: EngineState, client: Client) -> None:
    """``client`` sees every command from now on."""
    client.monitors = True
    client.client_flags |= CLIENT_MONITOR
    engine.monitors[client.id] = client
    engine.choose_observers()


def stop_monitor(engine: EngineState, client: Client) -> None:
    """No longer show commands to ``client``."""
    client.monitors = False
    client.client_flags &= ~CLIENT_MONITOR
    engine.monitors.pop(client.id, None)
    engine.choose_observers()


def show_to_monitors(engine: EngineState, caller: Caller, args: list[bytes], at_us: int) -> None:
    """Send a line to each monitor; ``args`` are free of secrets."""
    origin = b"lua" if caller.in_script else caller.session.address.encode()
    words = b" ".join([quoted(word) for word in args])
    line = b"+%d.%06d [%d %b] %b\r\n" % (at_us // 1_000_000, at_us % 1_000_000, caller.db.index, origin, words)
    for monitor in list(engine.monitors.values()):
        monitor.push(line)
