"""Load balancers as values: listeners, rules and target groups."""

from dataclasses import dataclass
from typing import Literal

from .identity import Endpoint, Identity


@dataclass(frozen=True, slots=True)
class TargetHealthCheck:
    """How a target group checks the health of its targets.

    `matcher` is the service's: codes and ranges, ``"200"``, ``"200-299,301"``.
    """

    protocol: str
    path: str
    port: int | None
    matcher: str
    interval_s: int
    timeout_s: int
    healthy_count: int
    unhealthy_count: int


@dataclass(frozen=True, slots=True)
class Target:
    """A container port of a service: every task of the service is a target. `service` is its key."""

    service: str
    container_name: str
    container_port: int


@dataclass(frozen=True, slots=True)
class TargetFunction:
    """A function as a target: its key, and the ARN that it is called by. `multi_value` decides the form of headers."""

    function: str
    arn: str
    multi_value: bool = False


@dataclass(frozen=True, slots=True)
class Stickiness:
    """For how long a client goes on to the target that it had; with `app_cookie` once the target has set that cookie."""

    duration_s: int
    app_cookie: str | None = None


@dataclass(frozen=True, slots=True)
class TargetGroup:
    """The targets a listener forwards to: services, or one function."""

    identity: Identity
    protocol: str
    port: int | None
    targets: tuple[Target, ...]
    health_check: TargetHealthCheck
    deregistration_delay_s: int = 300
    function: TargetFunction | None = None
    stickiness: Stickiness | None = None


@dataclass(frozen=True, slots=True)
class WeightedTarget:
    """A target group by key, and its share of the requests."""

    target_group: str
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Forward:
    """Send the request to one of the target groups, by weight."""

    target_groups: tuple[WeightedTarget, ...]


@dataclass(frozen=True, slots=True)
class Redirect:
    """Answer with a redirect. Fields are the service's, with its placeholders (``#{host}``, ``#{port}``, ...).

    `port` is the port on AWS; a listener of the same load balancer on that port says where it is here.
    """

    status_code: int
    protocol: str = "#{protocol}"
    host: str = "#{host}"
    port: str = "#{port}"
    path: str = "/#{path}"
    query: str = "#{query}"


@dataclass(frozen=True, slots=True)
class FixedResponse:
    """A response of the load balancer itself."""

    status_code: int
    content_type: str = "text/plain"
    message_body: str = ""


Action = Forward | Redirect | FixedResponse


@dataclass(frozen=True, slots=True)
class ListenerRule:
    """A rule of a listener: its action is taken when every condition holds; the lowest `priority` is evaluated first.

    `conditions` are pairs of a field (``path-pattern``, ``host-header``, ``http-request-method``, ``source-ip``,
    ``http-header:<name>``, ``query-string``) and the values of which one must match (``*`` and ``?`` are wildcards).
    """

    priority: int
    conditions: tuple[tuple[str, tuple[str, ...]], ...]
    action: Action


@dataclass(frozen=True, slots=True)
class Certificate:
    """The certificate a listener asks for, by ARN; here the local CA signs one for the endpoint."""

    arn: str


@dataclass(frozen=True, slots=True)
class Listener:
    """A port of a load balancer.

    `endpoint.port_on_aws` is the template's port, `endpoint.port` the one that opens here.
    """

    identity: Identity
    protocol: Literal["HTTP", "HTTPS"]
    endpoint: Endpoint
    default_action: Action
    rules: tuple[ListenerRule, ...] = ()
    certificates: tuple[Certificate, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadBalancer:
    """An Application Load Balancer.

    `dns_name` is ``127.0.0.1:<port>``, so that ``http://<DNSName>`` opens in a browser.
    """

    identity: Identity
    scheme: str
    dns_name: str
    listeners: tuple[Listener, ...]
    security_groups: tuple[str, ...]
