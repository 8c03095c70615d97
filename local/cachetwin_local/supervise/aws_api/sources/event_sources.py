"""The event sources that are read: begun, ended and begun anew as the app has them."""

import asyncio
import contextlib
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from cachetwin_local.identity.deliveries import READ_ACTIONS, Sender, kind_of, refusal
from cachetwin_local.identity.directory import Principal
from cachetwin_local.supervise.aws_api.events.targets import Delivery, Targets
from cachetwin_local.supervise.aws_api.functions import Functions
from cachetwin_local.supervise.aws_api.moto_backend import MotoBackend
from cachetwin_local.supervise.aws_api.settings import Seed

from .mapping import SourceMapping, mapping_of
from .queue import QueueSource
from .stream import Position, StreamSource

__all__ = ["EVENT_SOURCE_MAPPING", "EventSources"]

EVENT_SOURCE_MAPPING: Final = "AWS::Lambda::EventSourceMapping"
_AGAIN_S: Final = 1.0
_REFUSED_S: Final = 30.0
_FINISH_S: Final = 60.0  # for the batches that run when a mapping is deleted, or gets another function


@dataclass(eq=False, slots=True)
class _Reader:
    """One mapping that is read. `earlier` ends the one that read before it."""

    mapping: SourceMapping
    earlier: asyncio.Task[None] | None
    source: QueueSource | StreamSource | None = None
    finishing: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    def change(self, mapping: SourceMapping) -> None:
        self.mapping = mapping
        if self.source is not None:
            self.source.change(mapping)

    def finish(self) -> None:
        self.finishing.set()
        if self.source is not None:
            self.source.finish()

    async def wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.finishing.wait(), seconds)


class EventSources:
    """The mappings of the app. `role_of` gives who a function is, by its ARN; None without a role of the app."""

    def __init__(
        self,
        moto: MotoBackend,
        functions: Functions,
        targets: Targets,
        role_of: Callable[[str], Principal | None],
        write: Callable[[str], None],
    ) -> None:
        self._moto = moto
        self._functions = functions
        self._targets = targets
        self._role_of = role_of
        self._write = write
        self._readers: dict[str, _Reader] = {}
        self._ending: dict[str, asyncio.Task[None]] = {}
        self._positions: dict[tuple[str, str, bool], Position] = {}

    async def become(self, seeds: Iterable[Seed]) -> None:
        """Read the sources that these define, and no others."""
        mine = [seed for seed in seeds if seed.type == EVENT_SOURCE_MAPPING]
        found = [self._read(seed) for seed in mine]
        wanted = {mapping.key: mapping for mapping in found if mapping is not None}
        for key, reader in list(self._readers.items()):
            mapping = wanted.get(key)
            if mapping is not None and _goes_on(reader.mapping, mapping):
                reader.change(mapping)
            else:
                reader.finish()
                del self._readers[key]
                self._ending[key] = asyncio.create_task(_end(reader))
        self._forget_positions({seed.key for seed in mine}, wanted)
        for key, mapping in wanted.items():
            if key not in self._readers:
                reader = self._readers[key] = _Reader(mapping, self._ending.get(key))
                reader.task = asyncio.create_task(self._run(reader))
        self._ending = {key: task for key, task in self._ending.items() if not task.done()}

    def _forget_positions(self, keys: set[str], wanted: dict[str, SourceMapping]) -> None:
        """Keep those of mappings that are only disabled; another source or another start is another mapping."""
        current = {key: _place(mapping) for key, mapping in wanted.items()}
        self._positions = {
            place: position
            for place, position in self._positions.items()
            if place[0] in keys and current.get(place[0], place) == place
        }

    def _read(self, seed: Seed) -> SourceMapping | None:
        try:
            return mapping_of(seed)
        except (TypeError, ValueError, AttributeError, KeyError) as error:  # of a template that the service refuses
            self._write(f"[cachetwin] {seed.key} reads nothing: its properties cannot be read: {error}")
            return None

    async def close(self) -> None:
        """Read no more, at once."""
        tasks = [reader.task for reader in self._readers.values() if reader.task is not None]
        tasks += self._ending.values()
        self._readers, self._ending = {}, {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, reader: _Reader) -> None:
        try:
            await self._read_on(reader)
            if reader.source is not None:
                await reader.source.run()  # which is to finish: until its batches have ended
        finally:
            if reader.source is not None:
                await reader.source.close()

    async def _read_on(self, reader: _Reader) -> None:
        if reader.earlier is not None:
            await asyncio.wait({reader.earlier})
        while not reader.finishing.is_set():
            try:
                refused = self._refused(reader.mapping)
                if refused is not None:
                    self._write(f"[cachetwin] {reader.mapping.key} reads nothing: {refused}")
                    await reader.wait(_REFUSED_S)
                    continue
                if reader.source is None:  # kept when it fails: it knows what has been done
                    reader.source = self._source(reader.mapping)
                await reader.source.run()
            except Exception:  # noqa: BLE001  (one source that fails must not end the others)
                sys.stderr.write(traceback.format_exc())
                await reader.wait(_AGAIN_S)

    def _refused(self, mapping: SourceMapping) -> str | None:
        arn, _socket = self._functions.find(mapping.function, mapping.source.split(":")[3])
        plain = ":".join(arn.split(":")[:7])
        return refusal(
            self._role_of(plain), f"the role of {plain}", READ_ACTIONS[kind_of(mapping.source)], mapping.source
        )

    def _source(self, mapping: SourceMapping) -> QueueSource | StreamSource:
        if kind_of(mapping.source) == "sqs":
            return QueueSource(mapping, self._moto, self._functions, self._write)

        async def tell(arn: str, text: str) -> None:
            role = self._role_of(":".join(mapping.function.split(":")[:7]))
            await self._targets.send(Delivery(arn, text, Sender("", mapping.key, role.role_arn if role else "")))

        position = self._positions.setdefault(_place(mapping), Position())
        return StreamSource(mapping, position, self._moto, self._functions, tell, self._write)


def _place(mapping: SourceMapping) -> tuple[str, str, bool]:
    """What the service keeps the position for: a change of one of these makes another mapping there."""
    return mapping.key, mapping.source, mapping.from_start


def _goes_on(before: SourceMapping, after: SourceMapping) -> bool:
    return (*_place(before), before.function) == (*_place(after), after.function)


async def _end(reader: _Reader) -> None:
    """Wait until what runs has ended, not without a bound. When cancelled, it is cut off."""
    tasks = [task for task in (reader.task, reader.earlier) if task is not None]
    try:
        await asyncio.wait(tasks, timeout=_FINISH_S)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
