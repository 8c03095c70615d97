"""Bytes, commands and turns of an engine, in all and in a second: INFO's totals and its ``instantaneous`` lines.

Rates are means of the last 16 samples, of which each tick takes one (server.c, trackInstantaneousMetric).
"""

from typing import Final

SAMPLES: Final = 16


class Rate:
    """The growth of one counter in a second."""

    def __init__(self) -> None:
        self._samples = [0] * SAMPLES  # per second
        self._next = 0
        self._last_value = 0
        self._last_us = 0

    def note(self, value: int, now_us: int) -> None:
        """The counter stands at ``value``."""
        passed_us = now_us - self._last_us
        if self._last_us and passed_us > 0:
            self._samples[self._next] = max(0, value - self._last_value) * 1_000_000 // passed_us
            self._next = (self._next + 1) % SAMPLES
        self._last_value = value
        self._last_us = now_us

    def per_second(self) -> int:
        """The mean of the latest samples."""
        return sum(self._samples) // SAMPLES

    def clear(self) -> None:
        """CONFIG RESETSTAT."""
        self._samples = [0] * SAMPLES
        self._last_us = 0


class Traffic:
    """The counters, since start or CONFIG RESETSTAT. Sessions add to them."""

    def __init__(self) -> None:
        self.bytes_in = 0
        self.bytes_out = 0
        self.reads = 0  # turns in which a client had sent something
        self.writes = 0
        self.ticks = 0
        self.busy_us = 0  # with commands
        self.tick_us = 0
        self.turn_us_max = 0
        self.turn_commands_max = 0
        self.commands = Rate()
        self.input = Rate()
        self.output = Rate()
        self.turns = Rate()
        self.turn_us = Rate()

    def cycles(self) -> int:
        """Turns of the event loop in which the engine had something to do."""
        return self.reads + self.ticks

    def note_turn(self, duration_us: int, commands: int) -> None:
        """A client's requests were served."""
        self.reads += 1
        self.busy_us += duration_us
        self.turn_us_max = max(self.turn_us_max, duration_us)
        self.turn_commands_max = max(self.turn_commands_max, commands)

    def note_tick(self, commands: int, duration_us: int, now_us: int) -> None:
        """The end of a tick; ``commands`` have run since the start."""
        self.ticks += 1
        self.tick_us += duration_us
        self.commands.note(commands, now_us)
        self.input.note(self.bytes_in, now_us)
        self.output.note(self.bytes_out, now_us)
        self.turns.note(self.cycles(), now_us)
        self.turn_us.note(self.busy_us + self.tick_us, now_us)

    def clear(self) -> None:
        """CONFIG RESETSTAT."""
        self.bytes_in = 0
        self.bytes_out = 0
        self.reads = 0
        self.writes = 0
        self.ticks = 0
        self.busy_us = 0
        self.tick_us = 0
        for rate in (self.commands, self.input, self.output, self.turns, self.turn_us):
            rate.clear()
