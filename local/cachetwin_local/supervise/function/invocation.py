"""An invocation of a function and its result, with the service's error documents."""

import json
from dataclasses import dataclass
from typing import Final

__all__ = [
    "ASYNC_PAYLOAD_MAX",
    "PAYLOAD_MAX",
    "Invocation",
    "Result",
    "Throttled",
    "error_document",
    "exit_failure",
    "response_too_large",
    "start_failure",
    "timeout_failure",
]

PAYLOAD_MAX: Final = 6_291_456  # Lambda quotas: synchronous, for the request and for the response
ASYNC_PAYLOAD_MAX: Final = 1_048_576
_RESPONSE_OVERHEAD: Final = 100  # the message of the service names the limit with it


@dataclass(frozen=True, slots=True)
class Invocation:
    """One event for a function. `function_arn` has the qualifier it was called by, if any."""

    request_id: str
    payload: bytes
    function_arn: str
    trace_id: str = ""
    client_context: str = ""
    cognito_identity: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What an invocation ended with: the payload, and for a failure its type (``Runtime.ExitError``, ...)."""

    payload: bytes
    error_type: str = ""

    @property
    def failed(self) -> bool:
        """Whether the function failed."""
        return bool(self.error_type)


class Throttled(Exception):
    """The function may not run once more now; `reason` is the service's word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def error_document(error_type: str, message: str) -> bytes:
    """The payload of a failure that the service itself words."""
    return json.dumps({"errorType": error_type, "errorMessage": message}).encode()


def timeout_failure(request_id: str, timeout_s: float) -> Result:
    """An invocation that took too long."""
    message = f"RequestId: {request_id} Error: Task timed out after {timeout_s:.2f} seconds"
    return Result(error_document("Sandbox.Timedout", message), "Sandbox.Timedout")


def exit_failure(request_id: str, code: int, *, out_of_memory: bool) -> Result:
    """An invocation whose process ended, with this exit code (negative for a signal)."""
    kind = "Runtime.OutOfMemory" if out_of_memory else "Runtime.ExitError"
    how = "signal: killed" if out_of_memory or code == -9 else f"signal: {-code}" if code < 0 else f"exit status {code}"
    return Result(error_document(kind, f"RequestId: {request_id} Error: Runtime exited with error: {how}"), kind)


def start_failure(error: OSError) -> Result:
    """An environment that could not be started: too many files are open, the disk is full."""
    kind = "Sandbox.Failure"
    return Result(error_document(kind, f"the environment could not be started: {error.strerror}"), kind)


def response_too_large() -> Result:
    """A response of more than the service passes on."""
    limit = PAYLOAD_MAX + _RESPONSE_OVERHEAD
    message = f"Response payload size exceeded maximum allowed payload size ({limit} bytes)."
    return Result(error_document("Function.ResponseSizeTooLarge", message), "Function.ResponseSizeTooLarge")
