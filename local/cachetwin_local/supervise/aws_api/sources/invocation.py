"""One batch for a function: invoked again while it is throttled, since a throttled batch has not been tried."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from cachetwin_local.supervise.aws_api.functions import Functions
from cachetwin_local.supervise.http.message import ProtocolError

__all__ = ["BatchResult", "invoke_with"]

_THROTTLED_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What the function answered; `reached` is False where it could not be called at all."""

    reached: bool
    failed: bool
    payload: bytes


async def invoke_with(functions: Functions, function: str, records: Sequence[Any], patience_s: float) -> BatchResult:
    """Invoke the function with the records. A throttled call is made again within `patience_s`."""
    region = records[0]["awsRegion"]
    arn, socket_path = functions.find(function, region)
    if socket_path is None:
        return BatchResult(reached=False, failed=True, payload=f"{arn} does not run here".encode())
    body = json.dumps({"Records": records}).encode()
    end_s = time.monotonic() + patience_s
    while True:
        try:
            reply = await functions.invoke(arn, socket_path, {}, body)
        except (OSError, EOFError, ProtocolError, TimeoutError) as error:
            return BatchResult(reached=False, failed=True, payload=str(error).encode())
        if reply.status != 429 or time.monotonic() + _THROTTLED_S > end_s:
            break
        await asyncio.sleep(_THROTTLED_S)
    failed = reply.status >= 300 or reply.header("x-amz-function-error") is not None
    return BatchResult(reached=reply.status < 300, failed=failed, payload=reply.body)
