"""A process of the user's own in the place of a service's container: it runs in its folder, with the user's environment."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.process.child import Command
from cachetwin_local.supervise.service.listening import Listening
from cachetwin_local.topology.values import Container, TaskAddress

__all__ = ["own_process_command"]

_OF_THE_USER = frozenset({"AWS_PROFILE", "AWS_DEFAULT_PROFILE"})
"""Variables that name the user's accounts on AWS: the process has the credentials of its role here."""


def own_process_command(
    container: Container, task_address: TaskAddress, environment: Mapping[str, str], ca_environment: Mapping[str, str]
) -> Command:
    """The command of `container` at `task_address`; HOST and PORT say where it is to listen.

    `environment` is the container's own, with secrets; `ca_environment` names the CA bundle. Raises UserError.
    """
    listening = Listening.of(container, task_address)
    words, own = listening.words(container.command or ()), listening.variables(environment)
    inherited = {name: value for name, value in os.environ.items() if name not in _OF_THE_USER}
    variables = {**inherited, **listening.hints(), **own, **ca_environment}
    program = shutil.which(words[0], path=variables.get("PATH", os.defpath)) if words else None
    if program is None:
        raise UserError(f"the container {container.name} runs `{' '.join(words[:1])}`, which this machine lacks")
    return Command((program, *words[1:]), Path(container.image.directory or "."), variables)
