"""What a load balancer answers by itself or on behalf of a function."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

__all__ = ["Response", "error_response"]

_REASONS: Final = {one.value: one.phrase for one in HTTPStatus} | {
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
}
_NO_BODY: Final = frozenset({204, 304})
_NO_TEXT: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Response:
    """A response with its whole body; its length is added. `from_target` is whether a function gave it."""

    status_code: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    reason: str = ""
    from_target: bool = False

    def rendered(self, method: bytes, *, closes: bool) -> bytes:
        """The response to a request of `method` as it is sent."""
        bodiless = self.status_code in _NO_BODY
        lines = [f"HTTP/1.1 {self.status_code} {_NO_TEXT.sub(' ', self.reason) or _REASONS.get(self.status_code, '')}"]
        lines.append("Server: awselb/2.0")
        lines += [f"{name}: {_NO_TEXT.sub(' ', value)}" for name, value in self.headers]
        lines += [] if bodiless else [f"Content-Length: {len(self.body)}"]
        lines += ["Connection: close"] if closes else []
        head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
        return head if bodiless or method == b"HEAD" else head + self.body


def error_response(status_code: int) -> Response:
    """The short page the service shows for an error of its own."""
    title = f"{status_code} {_REASONS.get(status_code, 'Error')}"
    page = f"<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center></body></html>\r\n"
    return Response(status_code, (("Content-Type", "text/html"),), page.encode())
