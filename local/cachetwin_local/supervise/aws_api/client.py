"""Calls of the runner itself at the endpoint of AWS's APIs.

Whatever delivers to queues, reads them or writes metrics here uses this: no policy limits it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from cachetwin_local.supervise.http.client import HttpClient, HttpReply
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
        """The result of a call of a service that speaks JSON, as of ``sqs``; CloudWatch's name is ``monitoring``.

        Raises CallFailed for an error of the service, OSError when the endpoint does not answer.
        """
        service = SERVICES[signing_name]
        headers = {
            "X-Amz-Target": f"{service.target}.{operation}",
            "Content-Type": f"application/x-amz-json-{service.version}",
            "Authorization": authorization(service, region or self._region),
        }
        body = json.dumps(parameters).encode()
        reply = await self._post("/", headers, body, timeout_s)
        content = json.loads(reply.body) if reply.body.strip() else {}
        if reply.status >= 400:
            code = str(content.get("__type", reply.status)).rpartition("#")[2]
            raise CallFailed(code, str(content.get("message", content.get("Message", ""))))
        return content

    async def publish(self, topic_arn: str, subject: str, message: str) -> None:
        """Publish a message to a topic of SNS. Raises CallFailed and OSError, as `call`."""
        service = SERVICES["sns"]
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Authorization": authorization(service, topic_arn.split(":")[3]),
        }
        form = {
            "Action": "Publish",
            "Version": "2010-03-31",
            "TopicArn": topic_arn,
            "Subject": subject,
            "Message": message,
        }
        reply = await self._post("/", headers, urlencode(form).encode(), _TIMEOUT_S)
        if reply.status >= 400:
            raise CallFailed(str(reply.status), reply.body.decode(errors="replace")[:500])

    async def exchange(self, measurements: Mapping[str, Any]) -> Any:  # noqa: ANN401  (JSON)
        """Give CloudWatch measurements, and get what `measurements.Measurements` answers. Raises OSError."""
        reply = await self._post("/measurements", {}, json.dumps(measurements).encode(), _TIMEOUT_S)
        if reply.status != 200:
            raise ConnectionError(f"the endpoint of AWS's APIs failed: {reply.status}")
        return json.loads(reply.body)

    async def _post(self, path: str, headers: dict[str, str], body: bytes, timeout_s: float) -> HttpReply:
        try:
            return await self._http.post(path, headers, body, timeout_s)
        except (EOFError, ProtocolError, TimeoutError) as error:
            raise ConnectionError(f"the endpoint of AWS's APIs did not answer: {error}") from error

    async def close(self) -> None:
        """Close the kept connections."""
        await self._http.close()
