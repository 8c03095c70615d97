"""Calls of the runner itself at the endpoint of AWS's APIs, of services that speak JSON.

Whatever delivers to queues, reads them or writes metrics here uses this: no policy limits it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from cachetwin_local.supervise.http.client import HttpClient
from cachetwin_local.supervise.http.message import ProtocolError

from .moto_backend import CallFailed, authorization
from .protocol.services import SERVICES

__all__ = ["AwsClient"]

_TIMEOUT_S: Final = 60.0
"""As long as moto may take to load on a busy machine, and more."""


class AwsClient:
    """Calls the endpoint on its private socket at `path`."""

    def __init__(self, path: Path, region: str) -> None:
        self._http = HttpClient(str(path))
        self._region = region

    async def call(
        self,
        signing_name: str,
        operation: str,
        parameters: Mapping[str, Any],
        *,
        region: str | None = None,
        timeout_s: float = _TIMEOUT_S,
    ) -> Any:  # noqa: ANN401  (a service's JSON)
        """The result of a call, as of ``sqs`` ``ReceiveMessage``; CloudWatch's name is ``monitoring``.

        Raises CallFailed for an error of the service, OSError when the endpoint does not answer.
        """
        service = SERVICES[signing_name]
        headers = {
            "X-Amz-Target": f"{service.target}.{operation}",
            "Content-Type": f"application/x-amz-json-{service.version}",
            "Authorization": authorization(service, region or self._region),
        }
        body = json.dumps(parameters).encode()
        try:
            reply = await self._http.post("/", headers, body, timeout_s)
        except (EOFError, ProtocolError, TimeoutError) as error:
            raise ConnectionError(f"the endpoint of AWS's APIs did not answer: {error}") from error
        content = json.loads(reply.body) if reply.body.strip() else {}
        if reply.status >= 400:
            code = str(content.get("__type", reply.status)).rpartition("#")[2]
            raise CallFailed(code, str(content.get("message", content.get("Message", ""))))
        return content

    async def close(self) -> None:
        """Close the kept connections."""
        await self._http.close()
