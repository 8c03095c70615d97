"""Who may use a route: nobody is asked, a function decides, or a signed token says."""

import json
import time
from collections.abc import Sequence
from typing import Any, Final

from cachetwin_local.supervise.api.dialect import Failure
from cachetwin_local.supervise.api.functions import FunctionCaller, FunctionFailed
from cachetwin_local.supervise.api.http_event import EventContext, event_1_0, event_2_0
from cachetwin_local.supervise.http.server import HttpRequest
from cachetwin_local.topology.http_apis import ApiAuthorizer, ApiRoute

from .identity_sources import values_of
from .jwt import InvalidToken, JwtVerifier
from .policies import allows
from .signature import Caller, InvalidSignature, signed_by

__all__ = ["Authorizers", "Denied"]

_TIMEOUT_S: Final = 10.0
_CACHED_MAX: Final = 1000
Json = dict[str, Any]


class Denied(Exception):
    """The caller may not; `reason` is for the API's log."""

    def __init__(self, failure: Failure, reason: str) -> None:
        super().__init__(reason)
        self.failure = failure
        self.reason = reason


class Authorizers:
    """Decides about requests, and keeps a function's decisions for as long as its authorizer says."""

    def __init__(self, functions: FunctionCaller, callers: Sequence[Caller] = ()) -> None:
        self._callers = callers
        self._functions = functions
        self._verifier = JwtVerifier()
        self._cache: dict[tuple[str, tuple[str, ...]], tuple[float, Json]] = {}

    async def authorize(self, route: ApiRoute, request: HttpRequest, context: EventContext) -> Json | None:
        """What the event says of the caller; None where everybody may. Raises Denied."""
        if route.authorization == "NONE":
            return None
        if route.authorization == "AWS_IAM":
            return self._signed(route, request, context)
        if route.authorizer is None:
            raise Denied("denied", "no authorizer of this kind runs here: nobody may call")
        if route.authorization == "JWT":
            return await self._token(route, route.authorizer, request, context)
        decision = await self._decide(route.authorizer, request, context)
        simple = route.authorizer.payload_format == "2.0" and route.authorizer.simple_responses
        keys = {"aws:SourceIp": request.source_ip}
        allowed = (
            decision.get("isAuthorized") is True if simple else allows(decision, _resource(context, request), keys)
        )
        if not allowed:
            raise Denied("denied", "the authorizer's function denies")
        given = decision.get("context")
        found: Json = given if isinstance(given, dict) else {}
        if route.integration.payload_format == "2.0":
            return {"lambda": found}
        return {**found, "principalId": decision.get("principalId", "")}

    def _signed(self, route: ApiRoute, request: HttpRequest, context: EventContext) -> Json:
        """What the event says of a caller who has signed the request and whose role may call. Raises Denied."""
        try:
            principal, credentials = signed_by(request, self._callers, context.region, "execute-api", context.now_s)
        except InvalidSignature as error:
            raise Denied("denied", str(error)) from error
        resource = _resource(context, request)
        decision = principal.may("execute-api:Invoke", resource, {"aws:SourceIp": request.source_ip})
        if not decision.allowed:
            raise Denied("denied", f"{principal.role_arn} may not execute-api:Invoke {resource}: {decision.reason}")
        role, session = principal.role_arn.rpartition("/")[2], principal.name.rpartition("/")[2]
        user = f"AROA:{session}"
        iam: Json = {
            "accessKey": credentials.access_key_id,
            "accountId": context.account,
            "callerId": user,
            "cognitoIdentity": None,
            "principalOrgId": None,
            "userArn": f"arn:aws:sts::{context.account}:assumed-role/{role}/{session}",
            "userId": user,
        }
        return {"iam": iam} if route.integration.payload_format == "2.0" else {"principalId": user}

    async def _token(
        self, route: ApiRoute, authorizer: ApiAuthorizer, request: HttpRequest, context: EventContext
    ) -> Json:
        """What a signed token says of the caller. Raises Denied."""
        values = values_of(authorizer.identity_sources, request, context)
        if not values:
            raise Denied("unauthorized", "there is no token")
        scheme, _, rest = values[0].partition(" ")
        token = rest.strip() if scheme.lower() == "bearer" else values[0]
        try:
            claims = await self._verifier.claims(
                token, authorizer.issuer, authorizer.audiences, route.scopes, context.now_s
            )
        except InvalidToken as error:
            raise Denied("denied" if error.scope else "unauthorized", str(error)) from error
        texts = {name: _claim_text(value) for name, value in claims.items()}
        found: Json = {"claims": texts, "scopes": list(route.scopes) or None}
        return {"jwt": found} if route.integration.payload_format == "2.0" else found

    async def _decide(self, authorizer: ApiAuthorizer, request: HttpRequest, context: EventContext) -> Json:
        values = values_of(authorizer.identity_sources, request, context)
        if values is None:
            raise Denied("unauthorized", "an identity source is missing")
        key = (authorizer.identity.key, (*values, context.route_key))
        now_s = time.monotonic()
        cached = self._cache.get(key)
        if cached is not None and cached[0] > now_s:
            return cached[1]
        decision = await self._ask(authorizer, values, request, context)
        if authorizer.cache_ttl_s:
            if len(self._cache) >= _CACHED_MAX:
                self._cache.clear()
            self._cache[key] = now_s + authorizer.cache_ttl_s, decision
        return decision

    async def _ask(
        self, authorizer: ApiAuthorizer, values: tuple[str, ...], request: HttpRequest, context: EventContext
    ) -> Json:
        arn = _resource(context, request)
        if authorizer.payload_format == "2.0":
            event = {**event_2_0(request, context), "type": "REQUEST", "routeArn": arn, "identitySource": list(values)}
        elif authorizer.kind == "TOKEN":
            event = {"type": "TOKEN", "methodArn": arn, "authorizationToken": ",".join(values)}
        else:
            event = {**event_1_0(request, context), "type": "REQUEST", "methodArn": arn}
            event |= {"identitySource": ",".join(values), "authorizationToken": ",".join(values)}
        for name in ("body", "isBase64Encoded"):
            event.pop(name, None)
        try:
            payload = await self._functions.call(
                authorizer.function or "", authorizer.function_arn, json.dumps(event).encode(), _TIMEOUT_S
            )
            decision = json.loads(payload)
        except (FunctionFailed, ValueError) as error:
            raise Denied("broken", f"the authorizer's function failed: {error}") from error
        if not isinstance(decision, dict):
            raise Denied("broken", "the authorizer's result is no object")
        return decision


def _claim_text(value: object) -> str:
    """A claim as API Gateway passes it on: lists in brackets, without commas."""
    if isinstance(value, list):
        return f"[{' '.join(map(str, value))}]"
    return value if isinstance(value, str) else json.dumps(value)


def _resource(context: EventContext, request: HttpRequest) -> str:
    """The ARN of what is called, as policies name it."""
    path = context.path.lstrip("/")
    stage = context.stage
    below = path.removeprefix(f"{stage}/") if stage != "$default" else path
    return f"arn:aws:execute-api:{context.region}:{context.account}:{context.api_id}/{stage}/{request.method}/{below}"
