"""MONITOR: clients that see every command as it is run.

They are in ``Engine.monitors``, which dispatch asks after each command.
"""

from typing import TYPE_CHECKING

from cachetwin_engine.core.registry.dispatch_flags import CLIENT_MONITOR
from cachetwin_engine.core.text.quoting import quoted

if TYPE_CHECKING:
    from cachetwin_engine.core.execution.context import Context
    from cachetwin_engine.core.execution.session import Session


def start_monitor(session: "Session") -> None:
    """``session`` sees every command from now on."""
    session.monitors = True
    session.client_flags |= CLIENT_MONITOR
    session.engine.monitors[session.id] = session
    session.engine.choose_observers()


def stop_monitor(session: "Session") -> None:
    """No longer show commands to ``session``."""
    session.monitors = False
    session.client_flags &= ~CLIENT_MONITOR
    session.engine.monitors.pop(session.id, None)
    session.engine.choose_observers()


def show_to_monitors(ctx: "Context", args: list[bytes], at_us: int) -> None:
    """One line for each; secrets are out of ``args`` already."""
    origin = b"lua" if ctx.in_script else ctx.session.address.encode()
    words = b" ".join([quoted(word) for word in args])
    line = b"+%d.%06d [%d %b] %b\r\n" % (at_us // 1_000_000, at_us % 1_000_000, ctx.db.index, origin, words)
    for monitor in list(ctx.engine.monitors.values()):
        monitor.push(line)
