"""The functions of the app, as the endpoint calls them: on their sockets, by any name that Lambda takes."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from cachetwin_local.supervise.http.client import HttpClient, HttpReply

__all__ = ["INVOCATION_S", "INVOKE_PREFIX", "Functions"]

INVOKE_PREFIX: Final = "/2015-03-31/functions/"
INVOCATION_S: Final = 905.0
"""The longest that a function may run, and a moment."""


class Functions:
    """`sockets` are those of the functions by their ARN; they may change."""

    def __init__(self, sockets: Mapping[str, str], account: str) -> None:
        self.sockets = sockets
        self._account = account
        self._clients: dict[str, HttpClient] = {}

    def find(self, name: str, region: str) -> tuple[str, str | None]:
        """The ARN that a name or a part of an ARN stands for, and the socket of that function."""
        parts = name.split(":")
        qualified = parts[-1] if len(parts) in {2, 8} else ""
        plain = parts[-2] if qualified else parts[-1]
        found = next((arn for arn in self.sockets if arn.endswith(f":function:{plain}")), None)
        if found is None:
            return f"arn:aws:lambda:{region}:{self._account}:function:{plain}", None
        return (f"{found}:{qualified}" if qualified else found), self.sockets[found]

    async def invoke(
        self, arn: str, socket_path: str, headers: dict[str, str], body: bytes, query: str = ""
    ) -> HttpReply:
        """The reply to Invoke. Raises OSError, EOFError, ProtocolError or TimeoutError."""
        client = self._clients.setdefault(socket_path, HttpClient(socket_path))
        target = f"{INVOKE_PREFIX}{quote(arn, safe='')}/invocations{query}"
        return await client.post(target, headers, body, INVOCATION_S)

    async def close(self) -> None:
        """Close the kept connections."""
        for client in self._clients.values():
            await client.close()
