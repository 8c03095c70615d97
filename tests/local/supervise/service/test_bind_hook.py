"""Programs that listen on every interface, at the address of their task."""

import os
import socket
import subprocess
import sys

import pytest
from tests.processes import free_port

from cachetwin_local.supervise.service.bind_hook import VARIABLE, bind_variable, moved

VALUE = bind_variable("127.9.9.9", {8000: 8001})
FOUR, SIX = socket.AF_INET, socket.AF_INET6
LISTENING = """
import asyncio, os, socket
from cachetwin_local.supervise.service.bind_hook import install
install()
async def main():
    server = await asyncio.start_server(lambda reader, writer: None, None, 8000)
    print(sorted({one.getsockname()[0] for one in server.sockets if one.family == socket.AF_INET}))
asyncio.run(main())
print(socket.create_server(("0.0.0.0", 8000)).getsockname())
print(socket.create_server(("", 0)).getsockname()[0])
"""


@pytest.mark.parametrize(
    ("place", "family", "only", "expected"),
    [
        (("0.0.0.0", 8000), FOUR, False, ("127.9.9.9", 8001)),  # noqa: S104  (nothing is opened)
        (("", 8000), FOUR, False, ("127.9.9.9", 8001)),
        (("0", 8000), FOUR, False, ("127.9.9.9", 8001)),
        ((b"000.0.0.0", 8000), FOUR, False, ("127.9.9.9", 8001)),
        (("localhost", 8000), FOUR, False, ("localhost", 8000)),
        (("0:0::0", 8000), SIX, False, ("::ffff:127.9.9.9", 8001)),
        (("::ffff:0.0.0.0", 8000), SIX, False, ("::ffff:127.9.9.9", 8001)),
        (("::1", 8000), SIX, False, ("::1", 8000)),
        (("0.0.0.0", 9000), FOUR, False, ("0.0.0.0", 9000)),  # noqa: S104
        (("127.0.0.1", 8000), FOUR, False, ("127.0.0.1", 8000)),
        (("::", 8000, 0, 0), SIX, False, ("::ffff:127.9.9.9", 8001, 0, 0)),
        (("::", 8000, 0, 0), SIX, True, ("::1", 0, 0, 0)),
        ("/tmp/a.sock", FOUR, False, "/tmp/a.sock"),  # noqa: S108
    ],
)
def test_only_every_interface_at_a_port_of_the_task_moves(
    place: object, family: int, only: object, expected: object
) -> None:
    assert moved(place, VALUE, family, ipv6_only=bool(only)) == expected


def test_a_program_with_a_fixed_address_and_port_gets_its_tasks() -> None:
    port = free_port()
    environment = {**os.environ, VARIABLE: bind_variable("127.0.0.1", {8000: port})}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    program = [sys.executable, "-W", "ignore::ResourceWarning", "-c", LISTENING]
    found = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=30, check=True)
    assert found.stdout.splitlines() == ["['127.0.0.1']", f"('127.0.0.1', {port})", "0.0.0.0"]  # noqa: S104
