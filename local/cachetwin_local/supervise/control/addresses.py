"""What people may ask of the addresses of what runs: environment variables, and host names with their addresses."""

from collections.abc import Callable

from cachetwin_local.supervise.endpoints import endpoint_variables
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.host_names import host_names
from cachetwin_local.topology.values import Topology

__all__ = ["AddressOperations"]

Document = dict[str, object]


class AddressOperations:
    """Carries out requests of the control socket on the addresses of `topology`, as it is when they come."""

    def __init__(self, run_context: RunContext, topology: Callable[[], Topology]) -> None:
        self._run_context = run_context
        self._topology = topology

    async def variables(self, request: Document) -> Document:
        """The endpoints as environment variables, passwords only where ``secrets`` is true."""
        bundle_file = self._run_context.local_ca.bundle_file
        with_secrets = request.get("secrets") is True
        found = endpoint_variables(self._topology(), self._run_context.secrets, bundle_file, with_secrets=with_secrets)
        return {"done": found}

    async def host_names(self, _request: Document) -> Document:
        """Pairs of an address and a host name."""
        return {"done": host_names(self._topology())}
