"""Cross-origin requests of browsers, as HTTP APIs and function URLs answer them."""

from cachetwin_local.supervise.http.server import HttpRequest, HttpResponse
from cachetwin_local.topology.functions import Cors

__all__ = ["cors_headers", "is_preflight", "preflight_response"]


def is_preflight(request: HttpRequest) -> bool:
    """Whether a browser asks what another origin may do."""
    asked = request.header("access-control-request-method")
    return request.method == "OPTIONS" and asked is not None and request.header("origin") is not None


def preflight_response(cors: Cors, request: HttpRequest) -> HttpResponse:
    """The answer to a preflight request; without CORS fields where the origin may not call."""
    headers = list(cors_headers(cors, request))
    if headers:
        listed = {
            "access-control-allow-methods": cors.allow_methods,
            "access-control-allow-headers": cors.allow_headers,
        }
        headers += [(name, ",".join(values)) for name, values in listed.items() if values]
        if cors.max_age_s is not None:
            headers.append(("access-control-max-age", str(cors.max_age_s)))
    return HttpResponse(204, tuple(headers))


def cors_headers(cors: Cors, request: HttpRequest) -> tuple[tuple[str, str], ...]:
    """The fields of a response to a request from another origin; none where that origin may not call."""
    origin = request.header("origin")
    if origin is None or not _allows(cors, origin):
        return ()
    anybody = "*" in cors.allow_origins
    headers = [("access-control-allow-origin", "*" if anybody else origin)]
    if not anybody:
        headers.append(("vary", "Origin"))
    if cors.allow_credentials:
        headers.append(("access-control-allow-credentials", "true"))
    if cors.expose_headers:
        headers.append(("access-control-expose-headers", ",".join(cors.expose_headers)))
    return tuple(headers)


def _allows(cors: Cors, origin: str) -> bool:
    schemes = {allowed.removesuffix("*") for allowed in cors.allow_origins if allowed in {"http://*", "https://*"}}
    return "*" in cors.allow_origins or origin in cors.allow_origins or any(origin.startswith(s) for s in schemes)
