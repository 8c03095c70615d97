"""Integrations that are mapped: of functions, of services of AWS, of other servers, and those that answer by themselves."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from cachetwin_local.identity.credentials import Credentials
from cachetwin_local.supervise.api.authorization.signature import signature_fields
from cachetwin_local.supervise.api.functions import FunctionCaller, FunctionFailed
from cachetwin_local.supervise.api.http_event import EventContext
from cachetwin_local.supervise.api.http_proxy import Outgoing, fields_of, send, with_path, with_query
from cachetwin_local.supervise.http.message import Field
from cachetwin_local.supervise.http.server import HttpRequest, HttpResponse
from cachetwin_local.topology.http_apis import ApiIntegration, AwsAction, IntegrationMapping

from .mapping import MappedRequest, MappingFailed, map_request, map_response, mock_status
from .template_values import template_values
from .xml_answers import in_json

__all__ = ["MappedIntegrations"]

_TARGETS: Final[Mapping[str, tuple[str, str]]] = {
    "dynamodb": ("DynamoDB_20120810", "1.0"),
    "events": ("AWSEvents", "1.1"),
    "kms": ("TrentService", "1.1"),
    "secretsmanager": ("secretsmanager", "1.1"),
    "ssm": ("AmazonSSM", "1.1"),
}
"""The prefix of ``X-Amz-Target`` and the dialect of JSON of services that speak it; others take forms."""
_SPEAK_XML: Final = ("sns", "sqs")


@dataclass(slots=True)
class MappedIntegrations:
    """Asks integrations for an API. `aws_url` is where AWS's APIs answer, `roles` the credentials by the role's ARN."""

    functions: FunctionCaller
    aws_url: str
    roles: Mapping[str, Credentials]

    async def answer(
        self, integration: ApiIntegration, mapping: IntegrationMapping, request: HttpRequest, context: EventContext
    ) -> HttpResponse:
        """The method's response. Raises MappingFailed and FunctionFailed."""
        values = template_values(request, context)
        mapped = map_request(mapping, request, values)
        accept = request.header("accept")
        if integration.function is not None:
            outcome, answer = await self._invoke(integration, mapped, context)
        elif integration.aws is not None:
            answer = await self._call(integration, integration.aws, mapped)
            outcome = str(answer.status)
        elif integration.uri:
            answer = await _send(integration, mapping, mapped, request)
            outcome = str(answer.status)
        else:
            outcome, answer = mock_status(mapped.body), HttpResponse(200, (), b"")
        if not mapping.responses and integration.uri:
            return answer  # a proxy with mapped parameters
        return map_response(mapping, outcome, answer, values, accept)

    async def _invoke(
        self, integration: ApiIntegration, mapped: MappedRequest, context: EventContext
    ) -> tuple[str, HttpResponse]:
        """What a function's error is called, and its result."""
        payload = mapped.body if mapped.body.strip() else b"{}"
        try:
            json.loads(payload)
        except ValueError as error:
            text = f"Could not parse request body into json: {error}"
            raise MappingFailed("bad body", "the function's event is no JSON", text) from error
        headers = {"X-Amzn-Trace-Id": context.trace_id} if context.trace_id else {}
        headers |= {name: value for name, value in mapped.header.items() if name.lower().startswith("x-amz-")}
        reply = await self.functions.invoke(
            integration.function or "", integration.arn, payload, integration.timeout_s, headers
        )
        outcome = ""
        if reply.header("x-amz-function-error"):
            outcome = _error_message(reply.body)
        return outcome, HttpResponse(reply.status, (("Content-Type", "application/json"),), reply.body)

    async def _call(self, integration: ApiIntegration, action: AwsAction, mapped: MappedRequest) -> HttpResponse:
        credentials = self.roles.get(action.role)
        if credentials is None or not self.aws_url:
            raise FunctionFailed("broken", f"the role {action.role} is no role of this app")
        method = "POST" if integration.method == "ANY" else integration.method
        header, query, body = dict(mapped.header), dict(mapped.querystring), mapped.body
        given = {name.lower() for name in header}
        if action.service in _TARGETS and action.action:
            prefix, version = _TARGETS[action.service]
            if "x-amz-target" not in given:
                header["X-Amz-Target"] = f"{prefix}.{action.action}"
            header = {name: value for name, value in header.items() if name.lower() != "content-type"}
            header["Content-Type"] = f"application/x-amz-json-{version}"
        elif action.action:
            name, _, rest = action.action.partition("&")
            form = {"Action": name, **dict(parse_qsl(rest)), **query, **dict(parse_qsl(body.decode(errors="replace")))}
            header["Content-Type"], query, body = "application/x-www-form-urlencoded", {}, urlencode(form).encode()
        url = with_query(self.aws_url + with_path(action.path or "/", mapped.path), urlencode(query))
        parts = urlsplit(url)
        header = {**{name.lower(): value for name, value in header.items()}, "host": parts.netloc}
        fields = [
            Field(name.encode("latin-1"), value.encode("latin-1", "replace"), b"") for name, value in header.items()
        ]
        signed = HttpRequest(method, url.partition(parts.netloc)[2], tuple(fields), body, "127.0.0.1")
        fields += signature_fields(signed, credentials, action.region, action.service, time.time())
        headers = tuple((one.name.decode("latin-1"), one.value.decode("latin-1")) for one in fields)
        answer = await send(Outgoing(method, url, headers, body, integration.timeout_s))
        if action.service not in _SPEAK_XML or body.startswith(b"{"):
            return answer
        return HttpResponse(answer.status, (("Content-Type", "application/json"),), in_json(answer.body))


async def _send(
    integration: ApiIntegration, mapping: IntegrationMapping, mapped: MappedRequest, request: HttpRequest
) -> HttpResponse:
    """The answer of another server; one that is no proxy gets nothing of the request but what is mapped."""
    proxy = not mapping.responses
    header = dict(fields_of(request)) if proxy else {}
    header |= {name.lower(): value for name, value in mapped.header.items()}
    if mapped.body and "content-type" not in header:
        header["content-type"] = request.header("content-type") or "application/json"
    uri = with_query(with_path(integration.uri, mapped.path), request.query if proxy else "")
    method = request.method if integration.method == "ANY" else integration.method
    uri = with_query(uri, urlencode(mapped.querystring))
    return await send(Outgoing(method, uri, tuple(header.items()), mapped.body, integration.timeout_s))


def _error_message(body: bytes) -> str:
    try:
        document = json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
    return str(document.get("errorMessage", "")) if isinstance(document, dict) else ""
