"""TLS on the server's side: TLS 1.2 and 1.3, and certificates that can be replaced while clients stay connected.

A context is built whole from its files and then takes the old one's place: a certificate that does not match its key,
or a file that is gone, leaves the old context serving. Connections keep the context they were accepted with.
"""

import ssl
from dataclasses import dataclass
from typing import Final, Literal

TlsMode = Literal["required", "preferred", "off"]
"""What a listener speaks: TLS only, TLS or plain text by the first byte, or plain text only."""

ClientAuth = Literal["no", "optional", "yes"]
"""Valkey's ``tls-auth-clients``. The default here is ``no``: ElastiCache never asks clients for a certificate."""

TLS_HANDSHAKE_BYTE: Final = 0x16
"""First byte of a TLS ClientHello record (RFC 8446, section 5.1); no RESP or inline command begins with it."""

HANDSHAKE_TIMEOUT_SECONDS: Final = 10.0
"""How long a client may take for its handshake; a healthy one needs two round trips."""

_VERSIONS: Final = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


class TlsError(Exception):
    """Files from which no TLS context can be made; the message names the file and the reason."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where a server's certificate chain and private key are (PEM), and whose client certificates it trusts.

    ``protocols`` is Valkey's ``tls-protocols``: names out of ``TLSv1.2`` and ``TLSv1.3`` with spaces between, both when
    empty. ``ciphers`` is ``tls-ciphers``, those of TLS 1.2 in OpenSSL's words; with ``prefers_own_ciphers`` the server's
    order decides, not the client's.
    """

    certificate_file: str
    key_file: str
    ca_file: str = ""
    auth_clients: ClientAuth = "no"
    protocols: str = ""
    key_password: str = ""
    ciphers: str = ""
    prefers_own_ciphers: bool = False

    def __repr__(self) -> str:
        names = f"{self.certificate_file!r}, {self.key_file!r}, {self.ca_file!r}"
        return f"TlsFiles({names})"  # no passphrase


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """A server context for these files.

    Raises TlsError naming the file that is missing, unreadable or does not fit the others.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _limit_versions(context, files.protocols)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    if files.prefers_own_ciphers:
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    else:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    _limit_ciphers(context, files.ciphers)
    try:
        # The callable keeps OpenSSL from asking a terminal for the passphrase of an encrypted key.
        context.load_cert_chain(files.certificate_file, files.key_file, password=lambda: files.key_password)
    except (OSError, ValueError) as error:
        message = f"cannot use certificate {files.certificate_file!r} with key {files.key_file!r}: {_reason(error)}"
        raise TlsError(message) from error
    if files.auth_clients != "no":
        _trust_clients(context, files)
    return context


def replica_context(files: TlsFiles | None) -> ssl.SSLContext:
    """A context with which a replica connects to its primary: it shows its own certificate and trusts ``ca_file``.

    As in Valkey the primary's name is not looked at, only who signed. Raises TlsError.
    """
    if files is None or not files.ca_file:
        raise TlsError("tls-replication needs tls-ca-cert-file: the CA that signed the primary's certificate")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    _limit_versions(context, files.protocols)
    _limit_ciphers(context, files.ciphers)
    try:
        context.load_verify_locations(files.ca_file)
    except OSError as error:
        raise TlsError(f"cannot use CA certificate {files.ca_file!r}: {_reason(error)}") from error
    try:
        context.load_cert_chain(files.certificate_file, files.key_file, password=lambda: files.key_password)
    except (OSError, ValueError) as error:
        message = f"cannot use certificate {files.certificate_file!r} with key {files.key_file!r}: {_reason(error)}"
        raise TlsError(message) from error
    return context


def _trust_clients(context: ssl.SSLContext, files: TlsFiles) -> None:
    if not files.ca_file:
        message = (
            f"tls-auth-clients {files.auth_clients} needs tls-ca-cert-file: the CA whose client certificates to accept"
        )
        raise TlsError(message)
    try:
        context.load_verify_locations(files.ca_file)
    except OSError as error:
        message = f"cannot use CA certificate {files.ca_file!r}: {_reason(error)}"
        raise TlsError(message) from error
    context.verify_mode = ssl.CERT_REQUIRED if files.auth_clients == "yes" else ssl.CERT_OPTIONAL


def _limit_versions(context: ssl.SSLContext, protocols: str) -> None:
    names = protocols.split()
    unknown = [name for name in names if name not in _VERSIONS]
    if unknown:
        message = f"tls-protocols allows {' and '.join(_VERSIONS)}, got {unknown[0]!r}"
        raise TlsError(message)
    versions = [_VERSIONS[name] for name in names] or list(_VERSIONS.values())
    context.minimum_version = min(versions)
    context.maximum_version = max(versions)


def _limit_ciphers(context: ssl.SSLContext, ciphers: str) -> None:
    if not ciphers:
        return
    try:
        context.set_ciphers(ciphers)
    except ssl.SSLError:
        raise TlsError(f"tls-ciphers must be a list of ciphers as OpenSSL has it, got {ciphers!r}") from None


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason.lower().replace("_", " ") if error.reason else "not a usable PEM file"
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
