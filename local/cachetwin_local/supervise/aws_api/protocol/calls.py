"""A request as a call of an API: the service, the operation and its parameters. Pure.

Requests come in the protocols of the services: JSON with ``X-Amz-Target``, forms with ``Action``, CBOR below
``/service/``, and REST. Source: AWS's protocols in the Smithy specification.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, unquote

from cachetwin_local.supervise.http.server import HttpRequest

from .cbor import decode
from .services import Service

__all__ = ["ApiCall", "CallProtocol", "protocol_of", "read_call"]

CallProtocol = Literal["json", "query", "rest-xml", "rest-json", "cbor"]
_FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A call of `operation` with its parameters; those of a REST request are its ``path``, its ``query`` and its JSON."""

    service: Service
    region: str
    operation: str
    parameters: Mapping[str, Any]
    protocol: CallProtocol


def protocol_of(request: HttpRequest, service: Service | None) -> CallProtocol:
    """The protocol of a request, which its errors are written in as well."""
    if service is not None and service.protocol in {"rest-xml", "rest-json"}:
        return service.protocol  # whatever other protocols' fields it has
    if request.header("smithy-protocol") == "rpc-v2-cbor" and (service is None or service.module == "cloudwatch"):
        return "cbor"
    if request.header("x-amz-target") is not None:
        return "json"
    content_type = request.header("content-type") or ""
    if content_type.startswith(_FORM) or "Action=" in request.query:
        return "query"
    return service.protocol if service is not None else "rest-json"


def read_call(request: HttpRequest, service: Service, region: str) -> ApiCall:
    """What is called. Raises ValueError for a request that is not of its protocol, or that can be read in two ways."""
    protocol = protocol_of(request, service)
    if protocol == "cbor":
        operation = request.path.rpartition("/")[2]
        content = decode(request.body) if request.body else {}
        return ApiCall(service, region, operation, content if isinstance(content, dict) else {}, protocol)
    if protocol == "json":
        operation = (request.header("x-amz-target") or "").rpartition(".")[2]
        if not operation:
            raise ValueError("X-Amz-Target must name an operation")
        content = json.loads(request.body) if request.body.strip() else {}
        return ApiCall(service, region, operation, content if isinstance(content, dict) else {}, protocol)
    if protocol == "query":
        form = _form(request)
        if service.module == "sqs" and request.path.count("/") > 1:
            form.setdefault("QueueUrl", request.path)
        return ApiCall(service, region, form["Action"], form, protocol)
    query = dict(parse_qsl(request.query, keep_blank_values=True))
    parameters: dict[str, Any] = {
        "path": unquote(request.path),
        "query": query,
        "copy_source": request.header("x-amz-copy-source"),
    }
    if protocol == "rest-json" and request.body.strip():
        content = json.loads(request.body)
        parameters["body"] = content if isinstance(content, dict) else {}
    return ApiCall(service, region, request.method, parameters, protocol)


def _form(request: HttpRequest) -> dict[str, str]:
    """The parameters of a form, in the body or in the query: moto, which reads it too, takes the first of two."""
    in_query = parse_qsl(request.query, keep_blank_values=True)
    in_body = parse_qsl(request.body.decode("latin-1"), keep_blank_values=True)
    if in_query and in_body:
        raise ValueError("the parameters must be in the body or in the query, not in both")
    form = dict(in_query or in_body)
    if len(form) != len(in_query or in_body):
        raise ValueError("a parameter is given twice")
    if not form.get("Action"):
        raise ValueError("Action must name an operation")
    return form
