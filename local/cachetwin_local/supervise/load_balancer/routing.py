"""What a listener of an Application Load Balancer does with a request: rules, redirects, fixed answers. Pure.

Wildcards, case and placeholders as the Elastic Load Balancing user guide has them ("Listener rules for your ALB").
"""

import fnmatch
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from cachetwin_local.supervise.http.message import RequestHead
from cachetwin_local.topology.values import Action, Listener, Redirect

__all__ = ["Request", "codes_match", "redirect_location", "select_action"]


@dataclass(frozen=True, slots=True)
class Request:
    """What rules look at. Header names are lower case; `host` is without its port."""

    method: str
    target: str
    host: str
    source_ip: str
    headers: Mapping[str, str]

    @classmethod
    def of(cls, head: RequestHead, source_ip: str) -> "Request":
        """What rules look at of a request from `source_ip`."""
        headers = {each.name.decode(): each.value.decode("latin-1") for each in head.fields}
        host = headers.get("host", "")
        if not host.endswith("]"):
            host = host.rsplit(":", 1)[0]
        return cls(head.method.decode(), head.target.decode("latin-1"), host, source_ip, headers)

    @property
    def path(self) -> str:
        """The path of the target."""
        return urlsplit(self.target).path or "/"

    @property
    def query(self) -> str:
        """The query of the target, without the question mark."""
        return urlsplit(self.target).query


def select_action(listener: Listener, request: Request) -> Action:
    """The action of the first rule, by priority, whose conditions all hold; else the default action."""
    for rule in sorted(listener.rules, key=lambda rule: rule.priority):
        if all(_holds(name, values, request) for name, values in rule.conditions):
            return rule.action
    return listener.default_action


def redirect_location(redirect: Redirect, request: Request, protocol: str, port: int, ports: Mapping[str, int]) -> str:
    """The Location of `redirect`. `ports` maps ports on AWS to those that are open here."""
    named_port = redirect.port.replace("#{port}", str(port))
    values = {
        "protocol": protocol.lower(),
        "host": request.host,
        "port": named_port,
        "path": request.path.lstrip("/"),
        "query": request.query,
    }

    def fill(text: str) -> str:
        return re.sub(r"#\{(\w+)\}", lambda match: values.get(match[1], match[0]), text)

    scheme = fill(redirect.protocol).lower()
    here = ports.get(named_port, int(named_port) if named_port.isdigit() else port)
    query = fill(redirect.query)
    default = {"http": 80, "https": 443}.get(scheme)
    host = fill(redirect.host) + ("" if here == default else f":{here}")
    return f"{scheme}://{host}{fill(redirect.path)}" + (f"?{query}" if query else "")


def codes_match(matcher: str, code: int) -> bool:
    """Whether `code` is in a target group's matcher: codes and ranges, as in ``200-299,301``."""
    for part in matcher.split(","):
        low, _, high = part.strip().partition("-")
        if low.isdigit() and int(low) <= code <= int(high or low):
            return True
    return False


def _holds(name: str, values: tuple[str, ...], request: Request) -> bool:
    match name:
        case "path-pattern":
            return any(_like(request.path, value) for value in values)
        case "host-header":
            return any(_like(request.host.lower(), value.lower()) for value in values)
        case "http-request-method":
            return request.method in values
        case "source-ip":
            source = ipaddress.ip_address(request.source_ip)
            return any(source in ipaddress.ip_network(value, strict=False) for value in values)
        case "query-string":
            return any(_query_holds(value, request.query) for value in values)
        case _ if name.startswith("http-header:"):
            found = request.headers.get(name.removeprefix("http-header:").lower())
            return found is not None and any(_like(found.lower(), value.lower()) for value in values)
        case _:
            return False


def _query_holds(wanted: str, query: str) -> bool:
    key, separator, value = wanted.rpartition("=")
    pairs = parse_qsl(query.lower(), keep_blank_values=True)
    return any((not separator or _like(k, key.lower())) and _like(v, value.lower()) for k, v in pairs)


def _like(text: str, pattern: str) -> bool:
    """``*`` and ``?`` are wildcards, brackets are not."""
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))
