"""Asks a supervisor on its control socket. It imports little: every short command begins with it."""

import json
import socket
from collections.abc import Iterator

from cachetwin_local.errors import UserError

__all__ = ["ask"]

_CONNECT_S = 5.0

Document = dict[str, object]


def ask(path: str, request: Document, *, deadline_s: float | None) -> Iterator[Document]:
    """Send `request` to a supervisor and yield its answers as they arrive. Blocking; for the command line.

    Raises UserError when it does not answer, TimeoutError when an answer takes longer than `deadline_s`.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_CONNECT_S)
        try:
            connection.connect(path)
        except OSError as error:
            raise UserError(
                f"the supervisor does not answer on {path} ({error}): stop it with a SIGTERM, then try again"
            ) from error
        connection.sendall(json.dumps(request).encode() + b"\n")
        connection.settimeout(deadline_s)
        with connection.makefile("rb") as answers:
            for line in answers:
                yield json.loads(line)
