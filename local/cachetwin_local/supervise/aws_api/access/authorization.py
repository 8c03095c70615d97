"""Who calls, and whether the policies of the caller's role allow what is called. Pure but for the names of resources."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from cachetwin_local.assembly.arns import partition_of
from cachetwin_local.identity.directory import Principal
from cachetwin_local.supervise.api.authorization.signature import Caller, Signature, verify
from cachetwin_local.supervise.aws_api.protocol.calls import ApiCall
from cachetwin_local.supervise.aws_api.protocol.errors import access_denied
from cachetwin_local.supervise.http.server import HttpRequest

from .permissions import Names, needs_of

__all__ = ["Authorization", "session_arn"]


@dataclass(slots=True)
class Authorization:
    """Decides about calls. `names` finds the ARN of what a call names otherwise."""

    names: Names
    callers: dict[str, Caller] = field(default_factory=dict)

    def set_callers(self, callers: Iterable[Caller]) -> None:
        """Make these the only ones who may call."""
        self.callers = {caller[1].access_key_id: caller for caller in callers}

    def caller(self, request: HttpRequest, signature: Signature) -> Principal:
        """Who has signed the request. Raises InvalidSignature."""
        known = self.callers.get(signature.key_id)
        return verify(request, signature, () if known is None else (known,), time.time())[0]

    def check(self, principal: Principal, call: ApiCall, request: HttpRequest) -> None:
        """Raise ApiError, with the action and the resource, unless every action of the call is allowed."""
        account = principal.role_arn.split(":")[4]
        context = {
            "aws:SourceIp": request.source_ip,
            "aws:RequestedRegion": call.region,
            "aws:SecureTransport": "false",
            "aws:CurrentTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "aws:EpochTime": str(int(time.time())),
        }
        if call.service.module == "ecs":
            cluster = str(call.parameters.get("cluster") or "default")
            own = f"arn:{partition_of(call.region)}:ecs:{call.region}:{account}:cluster/{cluster}"
            context["ecs:cluster"] = cluster if cluster.startswith("arn:") else own
        for action, resource in needs_of(call, partition_of(call.region), account, self.names):
            decision = principal.may(action, resource, context)
            if not decision.allowed:
                said = f"User: {session_arn(principal)} is not authorized to perform: {action} on resource: {resource}"
                raise access_denied(call.service.module, f"{said} because {_because(action, decision.reason)}")


def session_arn(principal: Principal) -> str:
    """The ARN of the session of a role that a function or a service has."""
    partition, account = principal.role_arn.split(":")[1], principal.role_arn.split(":")[4]
    session = principal.name.rpartition("/")[2]
    return f"arn:{partition}:sts::{account}:assumed-role/{principal.role_arn.rpartition('/')[2]}/{session}"


def _because(action: str, reason: str) -> str:
    if reason.startswith("permissions boundary"):
        return f"no permissions boundary allows the {action} action"
    if reason.startswith("denied"):
        return f"of an explicit deny in an identity-based policy ({reason})"
    return f"no identity-based policy allows the {action} action"
