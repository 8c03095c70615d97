"""The lines that the service writes into a function's log, as text or as JSON (Lambda developer guide, "Logging").

Pure: times come from outside.
"""

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

__all__ = ["LogLines", "Usage"]


@dataclass(frozen=True, slots=True)
class Usage:
    """What an invocation used. `init_ms` is None where the environment was warm; `status` is the service's word."""

    duration_ms: float
    memory_used_mb: int
    init_ms: float | None = None
    status: Literal["success", "error", "timeout"] = "success"
    error_type: str = ""


@dataclass(frozen=True, slots=True)
class LogLines:
    """The lines of one function; without `shown` (a system log level above INFO in JSON) there are none."""

    log_format: Literal["Text", "JSON"]
    runtime: str
    memory_mb: int
    shown: bool = True

    def init_start(self, now_s: float) -> list[str]:
        """An environment begins."""
        if self.log_format == "Text":
            return [f"INIT_START Runtime Version: {self.runtime}"]
        return self._event(
            now_s,
            "platform.initStart",
            {"initializationType": "on-demand", "phase": "init", "runtimeVersion": self.runtime},
        )

    def init_failed(self, now_s: float, init_ms: float, error_type: str) -> list[str]:
        """An environment did not get ready."""
        status = "timeout" if error_type == "Sandbox.Timedout" else "error"
        if self.log_format == "Text":
            kind = "" if status == "timeout" else f"\tError Type: {error_type}"
            return [f"INIT_REPORT Init Duration: {init_ms:.2f} ms\tPhase: init\tStatus: {status}{kind}"]
        record: dict[str, object] = {
            "initializationType": "on-demand",
            "phase": "init",
            "status": status,
            "errorType": error_type,
            "metrics": {"durationMs": round(init_ms, 3)},
        }
        return self._event(now_s, "platform.initReport", record)

    def start(self, now_s: float, request_id: str, version: str) -> list[str]:
        """An invocation begins."""
        if self.log_format == "Text":
            return [f"START RequestId: {request_id} Version: {version}"]
        return self._event(now_s, "platform.start", {"requestId": request_id, "version": version})

    def end(self, now_s: float, request_id: str, usage: Usage, trace_id: str) -> list[str]:
        """An invocation has ended."""
        billed_ms = math.ceil(usage.duration_ms + (usage.init_ms or 0))
        if self.log_format == "JSON":
            metrics: dict[str, float] = {
                "durationMs": round(usage.duration_ms, 3),
                "billedDurationMs": billed_ms,
                "memorySizeMB": self.memory_mb,
                "maxMemoryUsedMB": usage.memory_used_mb,
            }
            if usage.init_ms is not None:
                metrics["initDurationMs"] = round(usage.init_ms, 3)
            record: dict[str, object] = {"requestId": request_id, "metrics": metrics, "status": usage.status}
            if usage.error_type:
                record["errorType"] = usage.error_type
            if trace_id:
                record["tracing"] = {"type": "X-Amzn-Trace-Id", "value": trace_id}
            return self._event(now_s, "platform.report", record)
        parts = [
            f"REPORT RequestId: {request_id}",
            f"Duration: {usage.duration_ms:.2f} ms",
            f"Billed Duration: {billed_ms} ms",
            f"Memory Size: {self.memory_mb} MB",
            f"Max Memory Used: {usage.memory_used_mb} MB",
        ]
        if usage.init_ms is not None:
            parts.append(f"Init Duration: {usage.init_ms:.2f} ms")
        if usage.status != "success":
            parts.append(f"Status: {usage.status}")
        if usage.status == "error":
            parts.append(f"Error Type: {usage.error_type}")
        lines = [f"END RequestId: {request_id}", "\t".join(parts)]
        root = trace_id.partition(";")[0].removeprefix("Root=")
        return [*lines, f"XRAY TraceId: {root}\tSampled: true"] if root and "Sampled=1" in trace_id else lines

    def _event(self, now_s: float, kind: str, record: dict[str, object]) -> list[str]:
        if not self.shown:
            return []
        moment = datetime.fromtimestamp(now_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return [json.dumps({"time": moment, "type": kind, "record": record})]
