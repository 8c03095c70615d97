"""The control socket: whatever a request is, somebody who waits for its answer gets one."""

import asyncio
import json
from pathlib import Path

import pytest

from cachetwin_local.supervise.control.server import ControlServer, Document
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.supervise.project.service_events import ServiceEvents

DEADLINE_S = 30


async def breaks(_request: Document) -> Document:
    raise KeyError("name")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"op": "breaks"}', "breaks failed: KeyError"),
        (b'{"op": "other"}', "op must be one of status, "),
        (b"[1]", "op must be one of status, "),
        (b"no json", "op must be one of status, "),
    ],
)
def test_a_request_that_fails_is_answered(run_context: RunContext, tmp_path: Path, line: bytes, reason: str) -> None:
    async def main() -> None:
        server = ControlServer(
            tmp_path / "socket",
            run_context.logs,
            ServiceEvents(),
            status=dict,
            stop=lambda: None,
            operations={"breaks": breaks},
        )
        await server.start()
        try:
            async with asyncio.timeout(DEADLINE_S):
                reader, writer = await asyncio.open_unix_connection(str(server.path))
                writer.write(line + b"\n")
                answer = json.loads(await reader.readline())
                writer.close()
                await writer.wait_closed()
        finally:
            await server.close()
        assert str(answer["error"]).startswith(reason)

    asyncio.run(main())
