"""Which services and functions there are, with the role and the credentials of each."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import quote

from .conditions import Context
from .credentials import Credentials, credentials_of
from .evaluation import Decision, decide
from .policies import Policy

__all__ = ["Directory", "Principal"]


@dataclass(frozen=True, slots=True)
class Principal:
    """A service or function as IAM sees it: the session `name` of a role.

    `name` is the key of the resource in the topology. `tags` are the role's.
    """

    name: str
    role_arn: str
    policies: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    tags: tuple[tuple[str, str], ...] = ()

    def may(self, action: str, resource: str, context: Context) -> Decision:
        """Whether the role's policies allow `action` on the resource of this ARN."""
        own = {"aws:PrincipalArn": self.role_arn, "aws:PrincipalAccount": self.role_arn.split(":")[4]}
        own |= {f"aws:PrincipalTag/{name}": value for name, value in self.tags}
        return decide(self.policies, action, resource, {**own, **context}, self.boundary)


@dataclass(slots=True)
class Directory:
    """The principals of a run. `seed_of` gives the stored random seed of a name."""

    seed_of: Callable[[str], str]
    _principals: dict[str, Principal] = field(default_factory=dict)
    _credentials: dict[str, Credentials] = field(default_factory=dict)

    def set_principals(self, principals: Iterable[Principal]) -> None:
        """Make these the only ones; whoever was there before keeps its credentials."""
        self._principals = {principal.name: principal for principal in principals}
        self._credentials = {name: credentials_of(self.seed_of(name)) for name in self._principals}

    def all(self) -> list[tuple[Principal, Credentials]]:
        """Every principal with its credentials."""
        return [(principal, self._credentials[name]) for name, principal in self._principals.items()]

    def credentials(self, name: str) -> Credentials | None:
        """The credentials of a principal; None for a resource without a role."""
        return self._credentials.get(name)

    def environment(self, name: str) -> dict[str, str]:
        """The variables for a principal's processes; empty for a resource without a role."""
        credentials = self._credentials.get(name)
        return credentials.environment() if credentials is not None else {}

    def by_access_key(self, access_key_id: str) -> tuple[Principal, Credentials] | None:
        """Whose access key it is; None for a key that nobody here has."""
        for name, credentials in self._credentials.items():
            if credentials.access_key_id == access_key_id:
                return self._principals[name], credentials
        return None

    def values_to_mask(self) -> frozenset[str]:
        """What must not stand in a log, plain and as it stands in a presigned request."""
        values = [value for one in self._credentials.values() for value in (one.secret_access_key, one.session_token)]
        return frozenset(form for value in values for form in (value, quote(value, safe="")))
