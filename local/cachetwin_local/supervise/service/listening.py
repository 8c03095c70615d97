"""Where a task listens here: its own address in the place of every interface, and a port that moved.

A task has an address of its own where the machine has several, and then the ports of its task definition. Where all
tasks share 127.0.0.1 the ports move, and what names them moves too: ``HOST`` and ``PORT``, a variable ``PORT`` or
``..._PORT`` that holds the container's port, and the port in the command. The containers of a task are each other's
``localhost`` on Fargate; with a port of the task this is the task's address here.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cachetwin_local.topology.values import Container, TaskAddress

__all__ = ["Listening"]

_EVERY_INTERFACE = r"(?<![\d.])0\.0\.0\.0(?![\d.])"
_LOCALHOST = r"(?<![\w.-])(?:localhost{}):(?P<port>\d{{1,5}})(?!\d)"
_LOCAL_NUMBERS = r"|127\.0\.0\.1|\[::1\]"
_PORT_VARIABLE = re.compile(r"(?:.*_)?PORT", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Listening:
    """The address of a container's task, its ports here by the container's port, and those of the whole task."""

    address: str
    ports: Mapping[int, int]
    task_ports: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, container: Container, task: TaskAddress) -> "Listening":
        """Where `container` listens in `task`."""
        ports = [mapping.container_port for mapping in container.port_mappings]
        return cls(task.address, {port: task.ports.get(port, port) for port in ports}, task.ports)

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

    def local(self, text: str, *, numbers: bool = False) -> str:
        """`text` with this task in the place of ``localhost``, where a port of the task follows.

        Of ``127.0.0.1`` too where `numbers` says so: in a variable that is the address of a load balancer here.
        """

        def here(match: re.Match[str]) -> str:
            port = self.task_ports.get(int(match["port"]))
            return match[0] if port is None else f"{self.address}:{port}"

        return re.sub(_LOCALHOST.format(_LOCAL_NUMBERS if numbers else ""), here, text)

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
        return self.local(re.sub(_EVERY_INTERFACE, self.address, text))

    def _moved(self) -> list[tuple[int, int]]:
        return [(there, here) for there, here in self.ports.items() if there != here]
