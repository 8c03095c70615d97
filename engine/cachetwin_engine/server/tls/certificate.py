"""The certificate that TLS connections are shown, and what may replace it: a request, CONFIG SET, a signal."""

import ssl
from typing import cast

from cachetwin_engine.core.config.config import Config
from cachetwin_engine.server.logs import log
from cachetwin_engine.server.tls.contexts import ClientAuth, TlsError, TlsFiles, server_context


class Certificate:
    """A node's files, if there are any, and the context made from them. Open connections keep the one they came with."""

    def __init__(self, files: TlsFiles | None) -> None:
        self.files = files
        self._context = server_context(files) if files is not None else None

    @property
    def is_loaded(self) -> bool:
        """True if a connection can be encrypted."""
        return self._context is not None

    @property
    def context(self) -> ssl.SSLContext:
        """The context for the next TLS connection."""
        assert self._context is not None  # noqa: S101  (endpoints refuse TLS without one)
        return self._context

    def load(self, files: TlsFiles) -> None:
        """Show this one from now on. Raises TlsError and changes nothing."""
        self._context = server_context(files)
        self.files = files
        log.info("certificate loaded", extra={"fields": {"certificate_file": files.certificate_file}})

    def reload(self) -> None:
        """SIGHUP: the files may have been replaced."""
        if self.files is None:
            log.info("SIGHUP: nothing to reload, no certificate in use")
            return
        try:
            self.load(self.files)
        except TlsError as error:
            log.warning("certificate not reloaded, the old one stays in use", extra={"fields": {"error": str(error)}})

    def follow(self, config: Config) -> str:
        """Load what the parameters name; why that can't be had, or an empty text."""
        if not config.get("tls-cert-file") and not config.integer("tls-port"):
            return ""
        try:
            self.load(
                TlsFiles(
                    config.get("tls-cert-file") or "",
                    config.get("tls-key-file") or "",
                    config.get("tls-ca-cert-file") or "",
                    cast("ClientAuth", config.get("tls-auth-clients") or "no"),
                    config.get("tls-protocols") or "",
                    config.get("tls-key-file-pass") or (self.files.key_password if self.files else ""),
                    config.get("tls-ciphers") or "",
                    config.boolean("tls-prefer-server-ciphers"),
                )
            )
        except TlsError as error:
            log.warning("certificate not loaded", extra={"fields": {"error": str(error)}})
            return "Unable to update TLS configuration. Check server logs."
        return ""
