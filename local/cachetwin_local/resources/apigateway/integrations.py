"""The integration of a method of a REST API: what answers it, and the templates that map requests and answers."""

import re
from typing import Final, Literal

from cachetwin_local.resources.context import Context
from cachetwin_local.resources.lambda_.function import function_key
from cachetwin_local.resources.properties import Properties
from cachetwin_local.topology.http_apis import ApiIntegration, AwsAction, IntegrationMapping, MappedResponse

__all__ = ["integration_of"]

_LONGEST_S: Final = 29.0
_AWS_URI: Final = re.compile(r"arn:aws[\w-]*:apigateway:([\w-]+):(?:[\w-]+\.)?([\w-]+):(path|action)/(.*)", re.DOTALL)
_SERVICES: Final = ("dynamodb", "events", "kms", "s3", "secretsmanager", "sns", "sqs", "ssm")
"""The services behind an AWS integration that the endpoint of AWS's APIs here answers."""


def integration_of(context: Context, method: Properties, key: str) -> ApiIntegration | None:
    """The integration of the method `key`; a problem of the context, and None, where it does not run here."""
    properties = method.object("Integration")
    kind, uri = properties.string("Type", "MOCK"), properties.string("Uri", "")
    timeout_s = min(_LONGEST_S, properties.integer("TimeoutInMillis", 29_000) / 1000)
    verb, mapping = properties.string("IntegrationHttpMethod", "ANY"), _mapping(properties)
    if kind == "MOCK":
        return ApiIntegration(None, payload_format="1.0", mapping=mapping)
    if kind in {"HTTP", "HTTP_PROXY"} and properties.string("ConnectionType", "INTERNET") == "INTERNET":
        used = mapping if kind == "HTTP" or mapping.parameters else None
        return ApiIntegration(None, uri=uri, method=verb, payload_format="1.0", timeout_s=timeout_s, mapping=used)
    if kind in {"AWS", "AWS_PROXY"}:
        function = function_key(context, uri, method.where.stack)
        used = mapping if kind == "AWS" else None
        if function is not None:
            return ApiIntegration(function, arn=uri, payload_format="1.0", timeout_s=timeout_s, mapping=used)
        action = _aws_action(properties, uri) if kind == "AWS" else None
        if action is not None:
            return ApiIntegration(
                None, aws=action, method=verb, payload_format="1.0", timeout_s=timeout_s, mapping=mapping
            )
    context.problem("warning", key, f"its integration ({kind} {uri}) does not run here: the method is left out")
    return None


def _mapping(integration: Properties) -> IntegrationMapping:
    return IntegrationMapping(
        templates=_texts(integration.object("RequestTemplates")),
        parameters=_texts(integration.object("RequestParameters")),
        passthrough=_passthrough(integration),
        responses=tuple(_response(one) for one in integration.objects("IntegrationResponses")),
    )


def _passthrough(integration: Properties) -> Literal["WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER"]:
    given = integration.string("PassthroughBehavior", "WHEN_NO_MATCH").upper()
    if given == "NEVER":
        return "NEVER"
    return "WHEN_NO_TEMPLATES" if given == "WHEN_NO_TEMPLATES" else "WHEN_NO_MATCH"


def _response(response: Properties) -> MappedResponse:
    pattern = response.optional("SelectionPattern") or None
    if pattern is not None:
        try:
            re.compile(pattern)
        except re.error as error:
            raise response.where.child("SelectionPattern").error(f"must be a regular expression: {error}") from None
    return MappedResponse(
        response.integer("StatusCode"),
        pattern,
        _texts(response.object("ResponseParameters")),
        _texts(response.object("ResponseTemplates")),
    )


def _texts(given: Properties) -> dict[str, str]:
    return {name: given.string(name) for name in given.values}


def _aws_action(integration: Properties, uri: str) -> AwsAction | None:
    match = _AWS_URI.fullmatch(uri)
    role = integration.string("Credentials", "")
    if match is None or match[2] not in _SERVICES or ":role/" not in role:
        return None
    region, service, kind, rest = match.groups()
    return AwsAction(service, region, role, **({"action": rest} if kind == "action" else {"path": f"/{rest}"}))
