"""CloudWatch's newest SDKs speak CBOR, which moto does not: their calls are put to it in JSON. Pure."""

import json
import re
from dataclasses import replace
from typing import Any, Final

from cachetwin_local.supervise.http.message import Field
from cachetwin_local.supervise.http.server import HttpRequest, HttpResponse

from .calls import ApiCall
from .cbor import Seconds, encode

__all__ = ["from_json", "in_json"]

_TIMES: Final = re.compile(r".*(Timestamps?|Time|Date|LastModified|LastUpdated)")
_CBOR: Final = (("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor"))
_REPLACED: Final = frozenset({b"content-type", b"content-length", b"content-encoding", b"smithy-protocol", b"accept"})


def in_json(request: HttpRequest, call: ApiCall) -> HttpRequest:
    """The request of a call in JSON."""
    service = call.service
    fields = [
        *(field for field in request.fields if field.name not in _REPLACED),
        _field("x-amz-target", f"{service.target}.{call.operation}"),
        _field("content-type", f"application/x-amz-json-{service.version}"),
    ]
    body = json.dumps(call.parameters, default=str).encode()
    return replace(request, target="/", fields=tuple(fields), body=body)


def from_json(response: HttpResponse) -> HttpResponse:
    """The response to such a request, as CBOR."""
    content = json.loads(response.body) if response.body.strip() else {}
    kept = [h for h in response.headers if h[0].lower() not in {"content-type", "status"}]
    return HttpResponse(response.status, (*kept, *_CBOR), encode(_timed(content, "")))


def _field(name: str, value: str) -> Field:
    return Field(name.encode(), value.encode(), f"{name}: {value}\r\n".encode())


def _timed(value: Any, name: str) -> Any:  # noqa: ANN401  (JSON)
    """Numbers under the names of times, as times."""
    if isinstance(value, dict):
        return {key: _timed(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_timed(inner, name) for inner in value]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return Seconds(value) if is_number and _TIMES.fullmatch(name) else value
