"""The page beside the API: three files, read once, sent as they are."""

import re
from functools import cache
from pathlib import Path
from typing import Any, Final

_FILES: Final = Path(__file__).parent / "static"
_TYPES: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def file_response(method: str, path: str) -> dict[str, Any] | None:
    """The response to a request for a file of the page; None where the path is none of it."""
    if method != "GET" or not (path == "/" or path.startswith("/static/")):
        return None
    name = path.removeprefix("/static/") if path != "/" else "index.html"
    text = _text(name) if re.fullmatch(r"[a-z]+\.(html|css|js)", name) else None
    if text is None:
        return {
            "statusCode": 404,
            "headers": {"content-type": "text/plain", **_HEADERS},
            "body": "there is no such file",
        }
    kind = _TYPES[Path(name).suffix]
    return {"statusCode": 200, "headers": {"content-type": f"{kind}; charset=utf-8", **_HEADERS}, "body": text}


@cache
def _text(name: str) -> str | None:
    path = _FILES / name
    return path.read_text(encoding="utf-8") if path.is_file() else None
