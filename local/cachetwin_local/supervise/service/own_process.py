"""A process of the user's own in the place of a service's container: it runs in its folder, with the user's environment."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from cachetwin_local.supervise.process.child import Command
from cachetwin_local.topology.values import Container, TaskAddress

__all__ = ["own_process_command"]

_EVERY_INTERFACE = re.compile(r"(?<![\d.])0\.0\.0\.0(?![\d.])")


def own_process_command(
    container: Container, task_address: TaskAddress, environment: Mapping[str, str], ca_environment: Mapping[str, str]
) -> Command:
    """The command of `container` at `task_address`; HOST and PORT say where it is to listen.

    `environment` is the container's own, with secrets; `ca_environment` names the CA bundle.
    """
    words = [_EVERY_INTERFACE.sub(task_address.address, word) for word in container.command or ()]
    own = {name: _EVERY_INTERFACE.sub(task_address.address, value) for name, value in environment.items()}
    hints = {"HOST": task_address.address}
    if container.port_mappings:
        port = container.port_mappings[0].container_port
        hints["PORT"] = str(task_address.ports.get(port, port))
    variables = {**os.environ, **hints, **own, **ca_environment}
    return Command(tuple(words), Path(container.image.directory or "."), variables)
