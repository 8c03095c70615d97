"""TLS to the cache: a certificate is believed only for its own host and from an authority that is trusted."""

import datetime
import ipaddress
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.processes import free_port, wait_until
from tests.stacks.web_app.conftest import CACHE_PASSWORD, CACHE_USER, COMMANDS, CacheServer, Service


def certificate(
    folder: Path, name: str, address: str, issuer: "tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None" = None
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A certificate for an IP address, as ``name``.crt with ``name``.key; an authority without issuer."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    signer = issuer[1] if issuer else key
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=not issuer, crl_sign=not issuer, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
    )
    made = builder.sign(signer, hashes.SHA256())
    (folder / f"{name}.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return made, key


@dataclass
class TlsCache:
    port: int
    authority: Path


@pytest.fixture
def tls_cache(cache: CacheServer, tmp_path: Path) -> Iterator[TlsCache]:
    """A cache that speaks TLS only, with a certificate for 127.0.0.1."""
    folder = tmp_path / "tls"
    folder.mkdir()
    authority = certificate(folder, "ca", "127.0.0.9")
    certificate(folder, "server", "127.0.0.1", authority)
    port = free_port()
    config = folder / "tls.conf"
    config.write_text(
        f'port 0\ntls-port {port}\nbind 127.0.0.1 127.0.0.2\nsave ""\ndir {folder}\ntls-auth-clients no\n'
        f"tls-cert-file {folder}/server.crt\ntls-key-file {folder}/server.key\ntls-ca-cert-file {folder}/ca.crt\n"
        f"user default off\nuser {CACHE_USER} on >{CACHE_PASSWORD} ~catalogue:* resetchannels -@all {COMMANDS}\n"
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["redis-server", config], stdout=log, stderr=log)
    try:
        wait_until(lambda: "Ready to accept connections" in (folder / "log").read_text(), "the TLS cache is ready")
        yield TlsCache(port, folder / "ca.crt")
    finally:
        process.kill()
        process.wait(10)


def cached(service: Service) -> str:
    return str(service.client.get("/api/products/7").json()["cache"])


def start(start_service: Callable[..., Service], tls_cache: TlsCache, host: str, **more: str) -> Service:
    service = start_service(
        CACHE_TLS="true",
        CACHE_HOST=host,
        CACHE_PORT=str(tls_cache.port),
        CACHE_READER_HOST=host,
        CACHE_READER_PORT=str(tls_cache.port),
        **more,
    )
    service.wait_ready()
    return service


def test_a_certificate_from_the_trusted_authority_is_accepted(
    start_service: Callable[..., Service], tls_cache: TlsCache
) -> None:
    service = start(start_service, tls_cache, "127.0.0.1", SSL_CERT_FILE=str(tls_cache.authority))
    assert [cached(service) for _ in range(2)] == ["miss", "hit"]


def test_a_certificate_for_another_host_is_refused(start_service: Callable[..., Service], tls_cache: TlsCache) -> None:
    service = start(start_service, tls_cache, "127.0.0.2", SSL_CERT_FILE=str(tls_cache.authority))
    assert [cached(service) for _ in range(4)] == ["bypass"] * 4
    assert "certificate is not valid for '127.0.0.2'" in service.log()


def test_an_authority_that_nobody_trusts_is_refused(start_service: Callable[..., Service], tls_cache: TlsCache) -> None:
    service = start(start_service, tls_cache, "127.0.0.1")
    assert [cached(service) for _ in range(4)] == ["bypass"] * 4
    assert "CERTIFICATE_VERIFY_FAILED" in service.log()
