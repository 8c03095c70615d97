"""The event sources that are read: begun, ended and begun anew as the app has them."""

import asyncio
import sys
import traceback
from collections.abc import Callable, Iterable
from typing import Any, Final

from cachetwin_local.identity.deliveries import READ_ACTIONS, Sender, kind_of, refusal
from cachetwin_local.identity.directory import Principal
from cachetwin_local.supervise.aws_api.events.targets import Delivery, Targets
from cachetwin_local.supervise.aws_api.functions import Functions
from cachetwin_local.supervise.aws_api.moto_backend import MotoBackend
from cachetwin_local.supervise.aws_api.settings import Seed

from .mapping import SourceMapping, mapping_of
from .queue import QueueSource
from .stream import StreamSource

__all__ = ["EVENT_SOURCE_MAPPING", "EventSources"]

EVENT_SOURCE_MAPPING: Final = "AWS::Lambda::EventSourceMapping"
_AGAIN_S: Final = 1.0
_REFUSED_S: Final = 30.0


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
        self._running: dict[str, tuple[SourceMapping, asyncio.Task[None]]] = {}

    async def become(self, seeds: Iterable[Seed]) -> None:
        """Read the sources that these define, and no others."""
        found = [self._read(seed) for seed in seeds if seed.type == EVENT_SOURCE_MAPPING]
        wanted = {mapping.key: mapping for mapping in found if mapping is not None}
        ending = {key for key, (mapping, _task) in self._running.items() if wanted.get(key) != mapping}
        await _end([self._running.pop(key)[1] for key in ending])
        for key, mapping in wanted.items():
            if key not in self._running:
                self._running[key] = mapping, asyncio.create_task(self._run(mapping))

    def _read(self, seed: Seed) -> SourceMapping | None:
        try:
            return mapping_of(seed)
        except (TypeError, ValueError, AttributeError, KeyError) as error:  # of a template that the service refuses
            self._write(f"[cachetwin] {seed.key} reads nothing: its properties cannot be read: {error}")
            return None

    async def close(self) -> None:
        """Read no more."""
        tasks = [task for _mapping, task in self._running.values()]
        self._running = {}
        await _end(tasks)

    async def _run(self, mapping: SourceMapping) -> None:
        while True:
            try:
                while (refused := self._refused(mapping)) is not None:
                    self._write(f"[cachetwin] {mapping.key} reads nothing: {refused}")
                    await asyncio.sleep(_REFUSED_S)
                await self._source(mapping).run()
            except Exception:  # noqa: BLE001  (one source that fails must not end the others)
                sys.stderr.write(traceback.format_exc())
                await asyncio.sleep(_AGAIN_S)

    def _refused(self, mapping: SourceMapping) -> str | None:
        arn, _socket = self._functions.find(mapping.function, mapping.source.split(":")[3])
        plain = ":".join(arn.split(":")[:7])
        return refusal(
            self._role_of(plain), f"the role of {plain}", READ_ACTIONS[kind_of(mapping.source)], mapping.source
        )

    def _source(self, mapping: SourceMapping) -> Any:  # noqa: ANN401  (has `run`)
        if kind_of(mapping.source) == "sqs":
            return QueueSource(mapping, self._moto, self._functions, self._write)

        async def tell(arn: str, text: str) -> None:
            role = self._role_of(":".join(mapping.function.split(":")[:7]))
            await self._targets.send(Delivery(arn, text, Sender("", mapping.key, role.role_arn if role else "")))

        return StreamSource(mapping, self._moto, self._functions, tell, self._write)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
