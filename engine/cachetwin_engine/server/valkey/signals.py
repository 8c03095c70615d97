"""What signals do to a node: the first one ends it in order, a second one at once.

A script, or the last save, may hold the event loop. Then asyncio's handlers do not run, and handlers of the process
itself notice a second signal.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from cachetwin_engine.server.endpoints import Endpoints
from cachetwin_engine.server.logs import log
from cachetwin_engine.server.tls.certificate import Certificate
from cachetwin_engine.server.valkey.host import ProcessHost

if TYPE_CHECKING:
    from cachetwin_engine.core.engine import Engine


class SignalledNode(Protocol):
    """What the handlers of signals need of their node."""

    engine: "Engine"
    host: ProcessHost
    loop: asyncio.AbstractEventLoop
    certificate: Certificate
    endpoints: Endpoints

    def is_stopping(self) -> bool:
        """Whether the node was asked to stop."""

    def stop(self, reason: str) -> None:
        """Stop serving; asked a second time, end at once."""

    def drain(self) -> None:
        """Write the output that sessions have."""


class Signals:
    """The handlers of one node."""

    def __init__(self, node: SignalledNode) -> None:
        self._node = node
        self._handles = False
        self._while_busy = -1  # since a script holds the event loop; -1 while none does

    def handle(self) -> None:
        """SIGTERM and SIGINT end the node from now on, and SIGHUP lets it read its certificate again."""
        self._handles = True
        loop = self._node.loop
        loop.add_signal_handler(signal.SIGTERM, self._end, "SIGTERM")
        loop.add_signal_handler(signal.SIGINT, self._end, "SIGINT")
        loop.add_signal_handler(signal.SIGHUP, self._node.certificate.reload)

    def count_while_busy(self) -> None:
        """A script holds the event loop: two signals from now on end the process at once, as one behind it would later."""
        if not self._handles or self._while_busy >= 0:
            return
        self._while_busy = 0
        before = {number: signal.signal(number, self._signal_while_busy) for number in (signal.SIGTERM, signal.SIGINT)}
        self._node.loop.call_soon(self._stop_counting, before)

    def _end(self, reason: str) -> None:
        """A signal: end as ``shutdown-on-sigterm`` and ``shutdown-on-sigint`` ask; a second one ends at once."""
        node = self._node
        shutdown = node.engine.shutdown
        if node.is_stopping():
            node.stop(reason)
        elif shutdown.is_waiting():
            shutdown.finish()
        else:
            words = str(node.engine.config.get(f"shutdown-on-{reason.lower()}") or "").split()
            shutdown.ask(reason, set(words))
            if not node.engine.cron_paused:
                node.engine.start_turn()
                with self._double_signal():
                    shutdown.tick()
                node.engine.run_pending()
        node.drain()

    @contextlib.contextmanager
    def _double_signal(self) -> Iterator[None]:
        """While the last save holds the event loop, a second signal ends the process at once, without the file."""
        before = {number: signal.signal(number, self._die) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _signal_while_busy(self, number: int, frame: object) -> None:
        self._while_busy += 1  # the loop has noted it, too, and acts on it when it runs again
        if self._while_busy > 1:
            self._die(number, frame)

    def _stop_counting(self, before: "dict[signal.Signals, signal._HANDLER]") -> None:
        self._while_busy = -1
        for number, handler in before.items():
            signal.signal(number, handler)

    def _die(self, number: int, frame: object) -> None:
        log.warning("You insist... exiting now.")
        self._node.host.remove_draft()
        self._node.endpoints.remove_files()
        os._exit(1)
