"""Asks the supervisor to start tasks: it owns every process, and this one parses what strangers send.

The operations of ECS's API that code in an app uses are answered here: RunTask, DescribeTasks, ListTasks and StopTask.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final

from .protocol.errors import ApiError

__all__ = ["TaskNotStarted", "TaskRunner"]

_TIMEOUT_S: Final = 20.0
_LINE_MAX: Final = 1_048_576


class TaskNotStarted(Exception):
    """The supervisor does not start a task; the message says why."""


class TaskRunner:
    """Speaks with the supervisor at its control socket `path`."""

    def __init__(self, path: str) -> None:
        self._path = path

    async def run(self, request: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Start tasks as RunTask's parameters say. Raises TaskNotStarted, OSError and TimeoutError."""
        answer = await self._ask({**request, "op": "run-task"})
        if "error" in answer:
            raise TaskNotStarted(str(answer["error"]))
        tasks: list[dict[str, Any]] = answer["tasks"]
        return tasks

    async def answer(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The result of a call of ECS's API. Raises ApiError, OSError and TimeoutError."""
        if operation == "RunTask":
            try:
                return {"tasks": await self.run(parameters), "failures": []}
            except TaskNotStarted as error:
                raise ApiError("InvalidParameterException", str(error)) from error
        found = (await self._ask({"op": "describe-tasks"}))["tasks"]
        if operation == "DescribeTasks":
            wanted = {str(one).rpartition("/")[2] for one in parameters.get("tasks") or []}
            tasks = [task for task in found if task["taskArn"].rpartition("/")[2] in wanted]
            missing = wanted - {task["taskArn"].rpartition("/")[2] for task in tasks}
            return {"tasks": tasks, "failures": [{"arn": one, "reason": "MISSING"} for one in sorted(missing)]}
        if operation == "ListTasks":
            status = parameters.get("desiredStatus") or "RUNNING"
            return {"taskArns": [task["taskArn"] for task in found if task["desiredStatus"] == status]}
        if operation == "StopTask":
            task_id = str(parameters.get("task", "")).rpartition("/")[2]
            task = next((one for one in found if one["taskArn"].endswith(f"/{task_id}")), None)
            if task is None or not task_id:
                raise ApiError("InvalidParameterException", "The referenced task was not found.")
            await self._ask({"op": "stop-task", "task": task_id, "reason": parameters.get("reason")})
            return {"task": {**task, "desiredStatus": "STOPPED"}}
        known = "RunTask, DescribeTasks, ListTasks and StopTask"
        raise ApiError("NotImplemented", f"of ECS only {known} run here, got {operation}", 501)

    async def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        async with asyncio.timeout(_TIMEOUT_S):
            reader, writer = await asyncio.open_unix_connection(self._path, limit=_LINE_MAX)
            try:
                writer.write(json.dumps(request).encode() + b"\n")
                answer: dict[str, Any] = json.loads(await reader.readline())
            finally:
                writer.close()
        return answer
