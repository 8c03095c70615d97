"""Checks of the services as a whole: each queue has one worker, and one service at most takes requests."""

from collections.abc import Mapping

from aws_cdk import aws_certificatemanager as acm

from cachetwin_cdk.checks._validate import ValidationError, refuse, require_match

from .service import NAME_PATTERN, MessagingService


def queue_names(services: Mapping[str, MessagingService]) -> list[str]:
    """The queues that any of the services uses, each once."""
    names = [name for service in services.values() for name in service.enqueues]
    names += [service.works_on for service in services.values() if service.works_on is not None]
    return list(dict.fromkeys(names))


def require_services(services: Mapping[str, MessagingService]) -> None:
    """Raise ValidationError for a service that is not valid, and for a queue with no worker or with two."""
    if not services:
        refuse("services", "hold at least one service", [], "describe a service")
    workers: dict[str, str] = {}
    for name, service in services.items():
        require_match(
            "services",
            name,
            NAME_PATTERN,
            "be named with lower-case letters, digits and single hyphens",
            remedy="name it like order-api",
        )
        service.validate()
        if service.works_on is None:
            continue
        if service.works_on in workers:
            refuse(
                "works_on",
                "name a queue that no other service works on",
                service.works_on,
                f"{workers[service.works_on]} does; give {name} a queue of its own, or raise count_max",
            )
        workers[service.works_on] = name
    for queue in queue_names(services):
        if queue not in workers:
            refuse("enqueues", "name queues that a service works on", queue, f"let a service have works_on={queue!r}")


def require_scheme(
    services: Mapping[str, MessagingService], certificate: acm.ICertificate | None, *, allow_plain_http: bool
) -> None:
    """Raise ValidationError unless the load balancer, where there is one, serves HTTPS or was allowed plain HTTP."""
    served = [name for name, service in services.items() if service.port is not None]
    if len(served) > 1:
        refuse(
            "port", "be set for one service at most", ", ".join(served), "put the others behind a front of their own"
        )
    if served and certificate is None and not allow_plain_http:
        raise ValidationError(
            "certificate must be given for HTTPS, got None; pass one, or set allow_plain_http=True to serve without "
            "encryption"
        )
    if (not served or certificate is not None) and allow_plain_http:
        refuse("allow_plain_http", "be False without a port or with a certificate", allow_plain_http, "leave it out")
    if not served and certificate is not None:
        refuse("certificate", "be left out without a port", "one", "give a service a port, or leave it out")
