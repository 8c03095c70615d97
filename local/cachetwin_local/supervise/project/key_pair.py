"""A certificate and its key as files."""

import ssl
from dataclasses import dataclass
from pathlib import Path

__all__ = ["KeyPair"]


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate's files: the leaf in PEM, and its key, readable by its owner only."""

    certificate_file: Path
    key_file: Path

    def server_context(self) -> ssl.SSLContext:
        """A context for servers: TLS 1.2 and 1.3, as the service has since April 2026."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.certificate_file, self.key_file)
        return context
