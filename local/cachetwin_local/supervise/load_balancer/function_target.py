"""A function behind a load balancer: called with each request, whose response is its result."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cachetwin_local.supervise.api.functions import FunctionCaller, FunctionFailed
from cachetwin_local.supervise.http.message import RequestHead
from cachetwin_local.supervise.load_balancer.function_event import InvalidResult, event_of, response_of
from cachetwin_local.supervise.load_balancer.response import Response, error_response
from cachetwin_local.topology.values import TargetFunction, TargetGroup

__all__ = ["INVOCATION_S", "FunctionTarget"]

INVOCATION_S: Final = 905.0
"""The longest that a function may run, and a moment: a load balancer waits as long as the function may."""


@dataclass(frozen=True, slots=True)
class FunctionTarget:
    """The function of a target group. `refused` is why no policy lets the load balancer call it, if none does."""

    group: TargetGroup
    function: TargetFunction
    refused: str | None
    caller: FunctionCaller
    count: Callable[[str, int], None]

    async def answer(self, head: RequestHead, body: bytes) -> Response:
        """The function's response to a request; 502 where it fails or its result is none."""
        target = self.function
        if self.refused is not None:
            return self._failed(self.refused)
        event = event_of(head, body, self.group.identity.arn, multi_value=target.multi_value)
        trace_id = next((one.value.decode("latin-1") for one in head.fields if one.name == b"x-amzn-trace-id"), "")
        try:
            payload = await self.caller.call(target.function, target.arn, event, INVOCATION_S, trace_id)
            return response_of(payload, multi_value=target.multi_value)
        except FunctionFailed as error:
            if error.failure == "failed":
                self.count("LambdaUserError", 1)
            return self._failed(error.reason)
        except InvalidResult as error:
            self.count("LambdaUserError", 1)
            return self._failed(f"its result is no response: {error}")

    def _failed(self, reason: str) -> Response:
        sys.stderr.write(f"{self.group.identity.key}: {self.function.function} gets 502: {reason}\n")
        sys.stderr.flush()
        return error_response(502)
