"""HTTP and REST APIs of API Gateway: routes, what answers them, who may call, and the stages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .functions import Cors
from .identity import Endpoint, Identity

__all__ = [
    "ApiAuthorizer",
    "ApiIntegration",
    "ApiKey",
    "ApiRoute",
    "ApiStage",
    "AwsAction",
    "GatewayResponse",
    "HttpApi",
    "IntegrationMapping",
    "MappedResponse",
    "Quota",
    "Throttle",
    "UsagePlan",
]


@dataclass(frozen=True, slots=True)
class MappedResponse:
    """One response of an integration that is mapped: the one whose `pattern` fits, or the one without a pattern.

    `parameters` are what the response's header fields have, by ``method.response.header.NAME``; `templates` are mapping
    templates by media type.
    """

    status_code: int
    pattern: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    templates: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IntegrationMapping:
    """How a REST API makes the integration's request out of the method's, and the answer out of the integration's.

    `parameters` are by ``integration.request.PLACE.NAME``, `templates` by media type.
    """

    templates: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    passthrough: Literal["WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER"] = "WHEN_NO_MATCH"
    responses: tuple[MappedResponse, ...] = ()


@dataclass(frozen=True, slots=True)
class AwsAction:
    """A request to a service of AWS, as `role`: an action by its name, or a path."""

    service: str
    region: str
    role: str
    action: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class ApiIntegration:
    """What answers a route: a function (its `key`, and the ARN that names it), another server at `uri`, or `aws`.

    With a `mapping` requests and answers are made by its templates; where there is nothing else the mapping itself
    answers, as a MOCK integration does.
    """

    function: str | None
    arn: str = ""
    uri: str = ""
    method: str = "ANY"
    payload_format: Literal["1.0", "2.0"] = "2.0"
    timeout_s: float = 30.0
    aws: AwsAction | None = None
    mapping: IntegrationMapping | None = None


@dataclass(frozen=True, slots=True)
class ApiAuthorizer:
    """Who may call: a JWT of an issuer, or what a function says of the request.

    `identity_sources` are the places of the token, such as ``$request.header.Authorization``.
    """

    identity: Identity
    kind: Literal["JWT", "REQUEST", "TOKEN"]
    name: str
    identity_sources: tuple[str, ...] = ()
    issuer: str = ""
    audiences: tuple[str, ...] = ()
    function: str | None = None
    function_arn: str = ""
    payload_format: Literal["1.0", "2.0"] = "1.0"
    simple_responses: bool = False
    cache_ttl_s: int = 0


@dataclass(frozen=True, slots=True)
class ApiRoute:
    """A route by its key, ``GET /items/{id}`` or ``$default``, and who may use it.

    `required_parameters` are names such as ``method.request.querystring.page``. `body_models` are the URIs of the
    models that a body must meet, by media type.
    """

    route_key: str
    integration: ApiIntegration
    authorization: Literal["NONE", "JWT", "AWS_IAM", "CUSTOM"] = "NONE"
    authorizer: ApiAuthorizer | None = None
    scopes: tuple[str, ...] = ()
    operation_name: str = ""
    api_key_required: bool = False
    required_parameters: tuple[str, ...] = ()
    body_models: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Throttle:
    """Requests a second, and how many may come at once above that. None where the stage sets nothing."""

    rate: float | None = None
    burst: int | None = None


@dataclass(frozen=True, slots=True)
class ApiStage:
    """A stage: ``$default`` answers at the root, another one below ``/<name>``.

    `routes` are throttles by route key. `access_log_format` is empty where the stage writes no access log.
    """

    name: str
    variables: Mapping[str, str] = field(default_factory=dict)
    throttle: Throttle = field(default_factory=Throttle)
    routes: Mapping[str, Throttle] = field(default_factory=dict)
    access_log_format: str = ""


@dataclass(frozen=True, slots=True)
class Quota:
    """So many requests in a period; `offset` are subtracted from the limit of the first one."""

    limit: int
    period: Literal["DAY", "WEEK", "MONTH"]
    offset: int = 0


@dataclass(frozen=True, slots=True)
class UsagePlan:
    """What the holders of its keys may do in some stages. `stages` has the throttles of single methods, by route key."""

    plan_id: str
    stages: Mapping[str, Mapping[str, Throttle]]
    throttle: Throttle | None = None
    quota: Quota | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key: its id, its value and the ids of its usage plans."""

    key_id: str
    value: str
    plans: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GatewayResponse:
    """How the API words an answer of its own, of a type such as ``MISSING_AUTHENTICATION_TOKEN`` or ``DEFAULT_4XX``."""

    response_type: str
    status_code: int | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    templates: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HttpApi:
    """An HTTP API or a REST API. `host` is its name on AWS. `api_keys` are those that methods with a key take.

    `models` are JSON schemas as text, by the URI that names each.
    """

    identity: Identity
    name: str
    host: str
    endpoint: Endpoint
    routes: tuple[ApiRoute, ...]
    stages: tuple[ApiStage, ...]
    cors: Cors | None = None
    kind: Literal["HTTP", "REST"] = "HTTP"
    api_keys: tuple[ApiKey, ...] = ()
    usage_plans: tuple[UsagePlan, ...] = ()
    gateway_responses: tuple[GatewayResponse, ...] = ()
    models: Mapping[str, str] = field(default_factory=dict)

    @property
    def aws_roles(self) -> tuple[str, ...]:
        """The ARNs of the roles with which it calls services of AWS."""
        return tuple(sorted({route.integration.aws.role for route in self.routes if route.integration.aws}))

    @property
    def depends_on(self) -> tuple[str, ...]:
        """The functions that answer its routes or decide who may call."""
        functions = {route.integration.function for route in self.routes}
        functions |= {route.authorizer.function for route in self.routes if route.authorizer}
        return tuple(sorted(key for key in functions if key))
