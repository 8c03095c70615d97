"""What says that a container of a task is well: its health check, its load balancer's, and what it listens on."""

import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from cachetwin_local.supervise.load_balancer.targets import check_health
from cachetwin_local.supervise.process.child import Command, run
from cachetwin_local.supervise.service.listening import Listening
from cachetwin_local.topology.values import Container, HealthCheck, TargetGroup, TaskAddress

__all__ = ["HealthCommand", "answers", "open_ports", "open_to_all", "probed_url", "target_places"]


@dataclass(frozen=True, slots=True)
class HealthCommand:
    """The health check of a container, run as the container runs: with its variables, in its folder."""

    check: HealthCheck
    command: Command

    @classmethod
    def of(cls, check: HealthCheck, container: Command, listening: Listening) -> "HealthCommand":
        """The check of a container whose process is `container`; `localhost` in it is the task."""
        kind, *given = check.command
        words = [listening.local(word, numbers=True) for word in listening.words(given)]
        argv = ("/bin/sh", "-c", " ".join(words)) if kind == "CMD-SHELL" else ("/usr/bin/env", *words)
        return cls(check, Command(argv, container.cwd, container.environment, hosts=container.hosts))

    @property
    def missing_program(self) -> str | None:
        """The program that it begins with, where this machine lacks it."""
        kind, *words = self.check.command
        try:
            first = shlex.split(" ".join(words))[0] if kind == "CMD-SHELL" else words[0]
        except (ValueError, IndexError):
            return None
        if not first.replace("-", "").replace(".", "").isalnum():
            return None  # a path, a variable, or the shell's syntax
        builtin = kind == "CMD-SHELL" and first in {
            "exit",
            "test",
            "true",
            "false",
            "echo",
            "kill",
            "exec",
            "if",
            "for",
        }
        return None if builtin or shutil.which(first, path=self.command.environment.get("PATH")) else first

    async def failure(self) -> str | None:
        """Run it once. Returns why it fails, or None."""
        try:
            code, lines = await run(self.command, self.check.timeout_s)
        except TimeoutError:
            return f"did not end in {self.check.timeout_s} s"
        except OSError as error:
            return f"could not start: {error.strerror}"
        if code == 0:
            return None
        said = "; ".join(line for line in lines if line.strip())[-300:] if lines else ""
        return f"exited with code {code}" + (f": {said}" if said else "")


async def answers(group: TargetGroup, address: TaskAddress, container: Container) -> bool:
    """Whether the container passes the health check of its target group."""
    check = group.health_check
    port = _health_port(group, address, container)
    return await check_health(
        address.address, port, check.path, check.matcher, check.timeout_s, tls=check.protocol == "HTTPS"
    )


def probed_url(group: TargetGroup, address: TaskAddress, container: Container) -> str:
    """What `answers` requests, for people."""
    check = group.health_check
    port = _health_port(group, address, container)
    return f"{check.protocol.lower()}://{address.address}:{port}{check.path} with {check.matcher}"


def target_places(groups: Sequence[TargetGroup], service: str, address: TaskAddress) -> frozenset[str]:
    """Where load balancers find the task at `address` of `service`."""
    return frozenset(
        f"{address.address}:{address.ports.get(target.container_port, target.container_port)}"
        for group in groups
        for target in group.targets
        if target.service == service
    )


def _health_port(group: TargetGroup, address: TaskAddress, container: Container) -> int:
    ports = [target.container_port for target in group.targets if target.container_name == container.name]
    port = group.health_check.port or ports[0]
    return address.ports.get(port, port)


def open_to_all(ports: Sequence[int]) -> str:
    """Says that a task listens on every interface."""
    return f"listens on every interface (port {', '.join(map(str, ports))})"


def open_ports(pid: int) -> list[int]:
    """The ports that the process or its children listen on at every interface."""
    ports: set[int] = set()
    try:
        process = psutil.Process(pid)
        for each in [process, *process.children(recursive=True)]:
            for connection in each.net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN and connection.laddr.ip in {"0.0.0.0", "::"}:  # noqa: S104  (compared, not opened)
                    ports.add(connection.laddr.port)
    except psutil.Error:
        return []  # gone already, or not ours to look into: there is nothing to warn of
    return sorted(ports)
