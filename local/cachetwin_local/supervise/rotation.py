"""New passwords and AUTH tokens for caches that run, as the service's rotation makes them.

A rotation generates a new value of a secret; both it and the one before log in then. SET ends the earlier one. DELETE
exists for AUTH tokens only: it lets clients in without one.
"""

from collections.abc import Callable, Sequence

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.cache.cache import CacheActor
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.values import Secret

__all__ = ["STRATEGIES", "RotationOperations"]

STRATEGIES = ("rotate", "set", "delete")

Document = dict[str, object]


class RotationOperations:
    """Carries out the request ``rotate`` of the control socket."""

    def __init__(self, run_context: RunContext, caches: Callable[[], Sequence[CacheActor]]) -> None:
        self._run_context = run_context
        self._caches = caches

    async def perform(self, request: Document) -> Document:
        """Carry out one request. The answer holds ``done``, a sentence, or ``error``."""
        try:
            return {"done": await self._rotate(str(request.get("name")), str(request.get("strategy", "rotate")))}
        except (UserError, OSError) as error:
            return {"error": str(error) or "a node did not answer in time"}

    async def _rotate(self, name: str, strategy: str) -> str:
        if strategy not in STRATEGIES:
            raise UserError(f"strategy must be one of {', '.join(STRATEGIES)}, got {strategy}")
        secrets = self._run_context.secrets
        secret = self._secret(name)
        users = [cache for cache in self._caches() if secret.identity.arn in cache.logins.secrets()]
        if strategy == "delete" and not all(cache.logins.uses_token for cache in users):
            raise UserError(f"{secret.name} is a user's password: only an AUTH token can be deleted")
        if strategy == "rotate":
            secrets.rotate(secret)
            self._run_context.logs.mask(self._run_context.values_to_mask())
        else:
            secrets.end_earlier(secret)
        for cache in users:
            if cache.logins.uses_token and strategy != "rotate":
                cache.logins.end_earlier("delete" if strategy == "delete" else "set")
            await cache.set_logins()
        names = ", ".join(cache.name for cache in users)
        return {
            "rotate": f"{secret.name} has a new value; {names} takes the earlier one too until the strategy set",
            "set": f"{names} takes the present value of {secret.name} only",
            "delete": f"{names} lets clients in without an AUTH token",
        }[strategy]

    def _secret(self, name: str) -> Secret:
        """The secret of a cache that `name` means: its own name, or the user or cache that it belongs to."""
        used = {arn for cache in self._caches() for arn in cache.logins.secrets()}
        secrets = [secret for secret in self._run_context.secrets.all() if secret.identity.arn in used]
        found = [secret for secret in secrets if name in _names(secret)]
        if not found:
            arns = {
                arn
                for cache in self._caches()
                for arn in (cache.logins.secrets() if name.lower() in cache.names else cache.logins.secrets_of(name))
            }
            found = [secret for secret in secrets if secret.identity.arn in arns]
        if len(found) == 1:
            return found[0]
        known = ", ".join(sorted(secret.identity.key for secret in secrets)) or "none"
        raise UserError(f"{name} must name one secret of a cache that runs, its user or its cache ({known})")


def _names(secret: Secret) -> set[str]:
    identity = secret.identity
    return {*identity.names, identity.physical_name, identity.arn, secret.name}
