"""The names of endpoints, as processes that the runner starts find them."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from cachetwin_local.supervise.process.child import Child, Command
from cachetwin_local.supervise.project.host_names import HostNames

NAME = "master.shop.abc123.use1.cache.amazonaws.com"
RESOLVE = f"""
import socket, sys
for _ in range(2):
    print(socket.gethostbyname({NAME!r}), socket.gethostbyname("localhost"), flush=True)
    sys.stdin.readline()
"""


def test_a_process_resolves_the_names_of_endpoints_and_sees_changes(tmp_path: Path) -> None:
    before = Path("/etc/hosts").read_bytes()

    async def main() -> list[str]:
        names = HostNames(tmp_path / "hosts")
        names.write([("127.9.8.7", NAME)])
        await names.try_out()
        if names.file is None:
            pytest.skip("this system gives processes no mount namespace of their own")
        lines: asyncio.Queue[str] = asyncio.Queue()
        reading, writing = os.pipe()
        code = f"import os; os.dup2({reading}, 0)\n{RESOLVE}"
        command = Command((sys.executable, "-c", code), tmp_path, {}, pass_fds=(reading,), hosts=names.file)
        child = await Child.start(command, lines.put_nowait)
        os.close(reading)
        try:
            async with asyncio.timeout(30):
                found = [await lines.get()]
                names.write([("127.9.8.6", NAME)])
                os.write(writing, b"\n")
                found.append(await lines.get())
        finally:
            os.close(writing)
            await child.kill()
        return found

    assert asyncio.run(main()) == ["127.9.8.7 127.0.0.1", "127.9.8.6 127.0.0.1"]
    assert Path("/etc/hosts").read_bytes() == before
