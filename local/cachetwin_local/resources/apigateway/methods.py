"""AWS::ApiGateway::Method with its resource, integration, validator and authorizer: a route of a REST API."""

from typing import Final, Literal

from cachetwin_local.resources.context import Context
from cachetwin_local.resources.lambda_.function import function_key
from cachetwin_local.resources.properties import Properties
from cachetwin_local.topology.http_apis import ApiAuthorizer, ApiRoute

from .integrations import integration_of
from .models import body_models

__all__ = ["routes_of"]

_RESOURCE: Final = "AWS::ApiGateway::Resource"
_METHOD: Final = "AWS::ApiGateway::Method"
_AUTHORIZER: Final = "AWS::ApiGateway::Authorizer"
_VALIDATOR: Final = "AWS::ApiGateway::RequestValidator"
_AUTHORIZATION: Final[dict[str, Literal["NONE", "AWS_IAM", "CUSTOM", "JWT"]]] = {
    "NONE": "NONE",
    "AWS_IAM": "AWS_IAM",
    "CUSTOM": "CUSTOM",
    "COGNITO_USER_POOLS": "JWT",
}


def routes_of(context: Context, api_id: str) -> tuple[ApiRoute, ...]:
    """The methods of an API. One whose integration does not run here is left out, and said."""
    found = []
    for resolved in context.graph.readable(_METHOD):
        properties = Properties.of(resolved)
        if properties.string("RestApiId") != api_id:
            continue
        path = _path(context, properties.string("ResourceId"), api_id, properties.where.stack)
        integration = integration_of(context, properties, resolved.resource.key)
        if path is None or integration is None:
            continue
        kind = _AUTHORIZATION.get(properties.string("AuthorizationType", "NONE"), "AWS_IAM")
        found.append(
            ApiRoute(
                route_key=f"{properties.string('HttpMethod').upper()} {path}",
                integration=integration,
                authorization=kind,
                authorizer=_authorizer(context, properties) if kind == "CUSTOM" else None,
                operation_name=properties.string("OperationName", ""),
                api_key_required=properties.boolean("ApiKeyRequired"),
                required_parameters=_required(context, properties),
                body_models=_models(context, properties, api_id),
            )
        )
    return tuple(found)


def _path(context: Context, resource_id: str, api_id: str, stack: str) -> str | None:
    """The path of a resource by its id; None where a part of it is not of this app."""
    parts: list[str] = []
    while resource_id != f"{api_id}-root":
        resolved = context.find(_RESOURCE, resource_id, stack)
        if resolved is None:
            return None
        properties = Properties.of(resolved)
        parts.insert(0, properties.string("PathPart"))
        resource_id = properties.string("ParentId")
    return "/" + "/".join(parts)


def _authorizer(context: Context, method: Properties) -> ApiAuthorizer | None:
    resolved = context.find(_AUTHORIZER, method.string("AuthorizerId", ""), method.where.stack)
    if resolved is None:
        return None
    properties = Properties.of(resolved)
    uri = properties.string("AuthorizerUri", "")
    sources = [one.strip() for one in properties.string("IdentitySource", "").split(",") if one.strip()]
    return ApiAuthorizer(
        identity=context.identity(resolved.resource.key),
        kind="TOKEN" if properties.string("Type") == "TOKEN" else "REQUEST",
        name=properties.string("Name"),
        identity_sources=tuple(one.replace("method.request.", "$request.") for one in sources),
        function=function_key(context, uri, method.where.stack) if uri else None,
        function_arn=uri,
        cache_ttl_s=properties.integer("AuthorizerResultTtlInSeconds", 300),
    )


def _required(context: Context, method: Properties) -> tuple[str, ...]:
    """The parameters that a request must have, where a validator checks them."""
    if not _validates(context, method, "ValidateRequestParameters"):
        return ()
    parameters = method.object("RequestParameters")
    return tuple(sorted(name for name in parameters.values if parameters.boolean(name)))


def _models(context: Context, method: Properties, api_id: str) -> dict[str, str]:
    """The models that a body must meet, where a validator checks them."""
    if not _validates(context, method, "ValidateRequestBody"):
        return {}
    return body_models(method.object("RequestModels"), api_id)


def _validates(context: Context, method: Properties, what: str) -> bool:
    validator = context.find(_VALIDATOR, method.string("RequestValidatorId", ""), method.where.stack)
    return validator is not None and Properties.of(validator).boolean(what)
