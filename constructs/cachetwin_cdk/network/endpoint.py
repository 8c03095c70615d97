"""The address of a cache."""

from dataclasses import dataclass
from functools import cached_property

from aws_cdk import Tokenization


@dataclass(frozen=True)
class Endpoint:
    """A host name and a port; either may be a token until deployment, and a token for a number is a float."""

    hostname: str
    port: float

    @cached_property
    def port_text(self) -> str:
        """The port as text, for environment variables and outputs; safe when the port is a token."""
        return Tokenization.stringify_number(self.port)

    @property
    def socket_address(self) -> str:
        """``host:port``, as most clients take it."""
        return f"{self.hostname}:{self.port_text}"
