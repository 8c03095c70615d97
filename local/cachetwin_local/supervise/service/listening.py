"""Where a task listens here: its own address in the place of every interface, and a port that moved.

A task has an address of its own where the machine has several, and then the ports of its task definition. Where all
tasks share 127.0.0.1 the ports move, and what names them moves too: ``HOST`` and ``PORT``, a variable ``PORT`` or
``..._PORT`` that holds the container's port, and the port in the command.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cachetwin_local.topology.values import Container, TaskAddress

__all__ = ["Listening"]

_EVERY_INTERFACE = r"(?<![\d.])0\.0\.0\.0(?![\d.])"
_PORT_VARIABLE = re.compile(r"(?:.*_)?PORT", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Listening:
    """The address of a container's task, and its ports here by the container's port."""

    address: str
    ports: Mapping[int, int]

    @classmethod
    def of(cls, container: Container, task: TaskAddress) -> "Listening":
        """Where `container` listens in `task`."""
        ports = [mapping.container_port for mapping in container.port_mappings]
        return cls(task.address, {port: task.ports.get(port, port) for port in ports})

    def hints(self) -> dict[str, str]:
        """The variables that say it to programs that ask."""
        first = next(iter(self.ports.values()), None)
        return {"HOST": self.address} | ({} if first is None else {"PORT": str(first)})

    def variables(self, variables: Mapping[str, str]) -> dict[str, str]:
        """The variables of the container as they are here."""
        return {name: self._variable(name, value) for name, value in variables.items()}

    def words(self, words: Sequence[str]) -> list[str]:
        """The container's command as it is here."""
        return [self._word(word) for word in words]

    def _variable(self, name: str, value: str) -> str:
        if _PORT_VARIABLE.fullmatch(name):
            return str(self.ports.get(int(value), value)) if value.isdecimal() else value
        return self._bound(value)

    def _word(self, word: str) -> str:
        word = self._bound(word)
        for there, here in self._moved():
            # a word of its own, behind "=", or behind a colon without a host: not the port of another server
            word = re.sub(rf"(^|[\s='\"])(:?){there}(?=$|[\s'\"])", rf"\g<1>\g<2>{here}", word)
        return word

    def _bound(self, text: str) -> str:
        for there, here in self._moved():
            text = re.sub(rf"{_EVERY_INTERFACE}:{there}(?!\d)", f"{self.address}:{here}", text)
        return re.sub(_EVERY_INTERFACE, self.address, text)

    def _moved(self) -> list[tuple[int, int]]:
        return [(there, here) for there, here in self.ports.items() if there != here]
