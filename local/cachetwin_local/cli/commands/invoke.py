"""``cachetwin invoke``."""

import difflib
import http.client
import json
import socket
import sys
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import quote

import typer

from cachetwin_local.cli.running_project import inform, state_of, status_of
from cachetwin_local.errors import UserError
from cachetwin_local.project import find_project
from cachetwin_local.supervise.function.sockets import function_socket

__all__ = ["invoke"]

_DEADLINE_S: Final = 960.0  # the longest timeout of a function, and its start


class _SocketConnection(http.client.HTTPConnection):
    """HTTP over the unix socket `path`."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_DEADLINE_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def invoke(
    context: typer.Context,
    function: Annotated[
        str,
        typer.Argument(metavar="FUNCTION", help="The function's logical id, construct path or key; :ALIAS may follow."),
    ],
    *,
    event: Annotated[
        str | None, typer.Option("--event", "-e", metavar="FILE", help="A file with the event in JSON; - is stdin.")
    ] = None,
    asynchronous: Annotated[bool, typer.Option("--async", help="Hand the event over and do not wait.")] = False,
) -> None:
    """Call a function that runs with an event, and print its result.

    The event is {} without --event. Exits with 1 when the function fails; its error is what is printed.
    """
    payload = _payload(event)
    project = find_project(context.obj)
    state = state_of(project)
    if state is None:
        raise UserError("nothing is running: start it with `cachetwin up`")
    name, _, qualifier = function.partition(":")
    key = _key(status_of(state), name)
    reply, body = _post(function_socket(project.directory, key), key, qualifier, payload, asynchronous=asynchronous)
    if reply.status >= 400:
        raise UserError(f"{key} was not called: {reply.getheader('x-amzn-errortype')}: {_message(body)}")
    if asynchronous:
        inform(f"handed over: request {reply.getheader('x-amzn-requestid')}")
        return
    sys.stdout.write(body.decode("utf-8", "replace") + "\n")
    if reply.getheader("x-amz-function-error"):
        inform(f"{key} failed: `cachetwin logs {key}` shows what it wrote")
        raise typer.Exit(1)


def _payload(event: str | None) -> bytes:
    if event is None:
        return b"{}"
    try:
        payload = sys.stdin.buffer.read() if event == "-" else Path(event).read_bytes()
    except OSError as error:
        raise UserError(f"--event must be a file, or - for stdin, got {event}: {error.strerror}") from error
    try:
        json.loads(payload)
    except ValueError as error:
        raise UserError(f"--event must hold JSON, got {event}: {error}") from error
    return payload


def _key(status: dict[str, object], name: str) -> str:
    """The key of the function with this name. Raises UserError for none, or several."""
    resources, paths = status["resources"], status["paths"]
    if not isinstance(resources, list) or not isinstance(paths, dict):
        raise UserError("the supervisor is of another version: stop it with `cachetwin down`, then start it again")
    keys = [str(row["name"]) for row in resources if row["kind"] == "function"]
    names = {key: _names(key, str(paths.get(key, key))) for key in keys}
    found = [key for key in keys if name in names[key]]
    if len(found) == 1:
        return found[0]
    near = difflib.get_close_matches(name, [one for every in names.values() for one in every], 1, 0.5)
    hint = f"; did you mean {near[0]}?" if near else ""
    reason = "is the name of several functions" if found else "is no function that runs here"
    raise UserError(f"{name} {reason}: it must be one of {', '.join(keys) or 'none'}{hint}")


def _names(key: str, path: str) -> set[str]:
    return {key, key.partition("/")[2], path, path.partition("/")[2] or path}


def _post(
    path: Path, key: str, qualifier: str, payload: bytes, *, asynchronous: bool
) -> tuple[http.client.HTTPResponse, bytes]:
    target = f"/2015-03-31/functions/{quote(key, safe='')}/invocations"
    headers = {"X-Amz-Invocation-Type": "Event" if asynchronous else "RequestResponse"}
    connection = _SocketConnection(path)
    try:
        connection.request("POST", target + (f"?Qualifier={quote(qualifier)}" if qualifier else ""), payload, headers)
        reply = connection.getresponse()
        return reply, reply.read()
    except (OSError, http.client.HTTPException) as error:
        raise UserError(f"{key} does not answer ({error}): see `cachetwin status`") from error
    finally:
        connection.close()


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode("utf-8", "replace")
