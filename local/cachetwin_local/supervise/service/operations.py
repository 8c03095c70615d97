"""What people may ask of a running service: to start its tasks again, their number, and what a shell in a task needs."""

import difflib
from collections.abc import Callable, Sequence

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.background import user_error_in
from cachetwin_local.supervise.service.service import ServiceActor

__all__ = ["SERVICE_OPERATIONS", "ServiceOperations"]

SERVICE_OPERATIONS = frozenset({"restart", "scale-service", "shell", "run-task", "describe-tasks", "stop-task"})

Document = dict[str, object]


class ServiceOperations:
    """Carries out requests of the control socket on the services that run."""

    def __init__(self, services: Callable[[], Sequence[ServiceActor]]) -> None:
        self._services = services

    async def perform(self, request: Document) -> Document:
        """Carry out one request. The answer holds ``done`` or what a shell needs, or ``error``."""
        try:
            if request.get("op") in {"run-task", "describe-tasks", "stop-task"}:
                return self._single_tasks(request)
            service = self._service(str(request.get("service")))
            if request.get("op") == "restart":
                return {"done": await service.restart()}
            if request.get("op") == "scale-service":
                count = request.get("count")
                if not isinstance(count, int):
                    raise UserError(f"count must be a whole number, got {count!r}")
                return {"done": await service.scale(count)}
            task = request.get("task")
            command = service.shell(task if isinstance(task, int) else 1)
        except UserError as error:
            return {"error": str(error)}
        except ExceptionGroup as group:  # of the tasks that did not start
            found_error = user_error_in(group)
            if found_error is None:
                raise
            return {"error": str(found_error)}
        return {"folder": str(command.cwd), "variables": dict(command.environment)}

    def _single_tasks(self, request: Document) -> Document:
        """Start, describe or stop tasks that no service has, as ECS's API does."""
        services = [service for service in self._services() if service.task_definition]
        if request["op"] == "describe-tasks":
            return {"tasks": [one for service in services for one in service.single_tasks.documents()]}
        if request["op"] == "stop-task":
            arn, reason = str(request.get("task", "")), str(request.get("reason") or "Task stopped by user")
            return {"stopped": any(service.single_tasks.stop_one(arn, reason) for service in services)}
        wanted = str(request.get("taskDefinition", ""))
        for service in services:
            arn = service.task_definition
            revision = arn.rpartition("/")[2]
            if wanted in {arn, arn.rpartition(":")[0], revision, revision.partition(":")[0]}:
                return {"tasks": service.run_tasks(dict(request))}
        raise UserError(f"no task definition {wanted} can be started here")

    def _service(self, name: str) -> ServiceActor:
        """The service of this name: its logical id, with or without the stack's name, or its construct path."""
        services = self._services()
        found = [service for service in services if name in service.names]
        if len(found) == 1:
            return found[0]
        every = [known for service in services for known in service.names]
        near = difflib.get_close_matches(name, every, 1, 0.5)
        hint = f"; did you mean {near[0]}?" if near else ""
        reason = "is the name of several services" if found else "is no service that runs here"
        keys = ", ".join(service.name for service in services)
        raise UserError(f"{name} {reason}: it must be one of {keys or 'none'}{hint}")
