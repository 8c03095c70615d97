"""The local certificate local_ca: signs the certificates of this project's endpoints.

One CA for each project, in ``.cachetwin/ca``, its key readable by its owner only. It is bound by name constraints to
loopback addresses, ``localhost`` and the AWS zones whose names endpoints carry, so a leaked key cannot vouch for
anything else. Leaf certificates live 30 days and are made anew at each start. Children get a bundle: the public CAs
and this one.
"""

import datetime as dt
import hashlib
import ipaddress
import os
import ssl
from collections.abc import Sequence
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.process.private_file import make_private_directory, write_private
from cachetwin_local.supervise.project.key_pair import KeyPair

__all__ = ["LocalCA"]

_CA_DAYS = 3650
_CA_DAYS_LEFT_MIN = 60
_LEAF_DAYS = 30
_CLOCK_SKEW = dt.timedelta(minutes=5)
_ZONES = ("localhost", "cache.amazonaws.com", "rds.amazonaws.com", "elb.amazonaws.com")
_LOOPBACK = ipaddress.ip_network("127.0.0.0/8")


class LocalCA:
    """The CA of one project, made in `directory` when it is not there or runs out within 60 days.

    `certificate_file` is the CA's certificate; `bundle_file` holds the public CAs as well.
    """

    def __init__(self, directory: Path, project: str) -> None:
        self.directory = make_private_directory(directory)
        self.certificate_file = directory / "ca.crt"
        self.bundle_file = directory / "bundle.pem"
        self._key_file = directory / "ca.key"
        self._project = project
        self._key, self._certificate = self._load() or self._create()
        self._write_bundle()

    def issue(self, name: str, addresses: Sequence[str], names: Sequence[str] = ()) -> KeyPair:
        """A new certificate for a server at `addresses` (loopback IPs) that is also known as `names`.

        `name` names the files. Host names outside the zones this CA may sign are left out.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address(a)) for a in addresses]
        alternatives += [x509.DNSName(n) for n in dict.fromkeys([*names, "localhost"]) if _may_sign(n)]
        builder = self._builder(_common_name(addresses[0]), self._certificate.subject, key.public_key(), _LEAF_DAYS)
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        builder = builder.add_extension(_key_usage(sign_certificates=False), critical=True)
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
        )
        pair = KeyPair(self.directory / f"{name}.crt", self.directory / f"{name}.key")
        write_private(pair.key_file, _private_bytes(key))
        write_private(pair.certificate_file, _pem(builder.sign(self._key, hashes.SHA256())))
        return pair

    def trusting_context(self) -> ssl.SSLContext:
        """A context for clients of this project's endpoints: trusts this CA and nothing else, checks the name."""
        return ssl.create_default_context(cafile=str(self.certificate_file))

    def environment(self) -> dict[str, str]:
        """The variables by which clients in any language find the bundle."""
        bundle = str(self.bundle_file)
        names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE", "CURL_CA_BUNDLE", "PGSSLROOTCERT")
        return {**dict.fromkeys(names, bundle), "NODE_EXTRA_CA_CERTS": str(self.certificate_file)}

    def _load(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate] | None:
        if not (self._key_file.exists() and self.certificate_file.exists()):
            return None
        try:
            key = serialization.load_pem_private_key(self._key_file.read_bytes(), None)
            certificate = x509.load_pem_x509_certificate(self.certificate_file.read_bytes())
        except ValueError as error:
            raise UserError(
                f"{self.directory} does not hold a CA of cachetwin: run `cachetwin reset` to start afresh"
            ) from error
        left = certificate.not_valid_after_utc - dt.datetime.now(dt.UTC)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or left < dt.timedelta(days=_CA_DAYS_LEFT_MIN):
            return None
        return key, certificate

    def _create(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _common_name(f"cachetwin local CA ({self._project[:32]})")
        permitted = [x509.IPAddress(_LOOPBACK), *(x509.DNSName(zone) for zone in _ZONES)]
        builder = self._builder(subject, subject, key.public_key(), _CA_DAYS)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(x509.NameConstraints(permitted, None), critical=True)
        builder = builder.add_extension(_key_usage(sign_certificates=True), critical=True)
        certificate = builder.sign(key, hashes.SHA256())
        write_private(self._key_file, _private_bytes(key))
        write_private(self.certificate_file, _pem(certificate))
        return key, certificate

    @staticmethod
    def _builder(
        subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, days: int
    ) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _CLOCK_SKEW)
            .not_valid_after(now + dt.timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        )

    def _write_bundle(self) -> None:
        """The public CAs of this shell (a company's own, where SSL_CERT_FILE names them, else certifi's) and ours."""
        chosen = Path(os.environ.get("SSL_CERT_FILE") or certifi.where())
        if not chosen.is_file() or chosen.name == self.bundle_file.name:
            chosen = Path(certifi.where())
        write_private(self.bundle_file, chosen.read_bytes().rstrip() + b"\n" + self.certificate_file.read_bytes())


def _may_sign(name: str) -> bool:
    return any(name == zone or name.endswith(f".{zone}") for zone in _ZONES)


def _common_name(text: str) -> x509.Name:
    bounded = (
        text if len(text) <= 64 else hashlib.sha256(text.encode()).hexdigest()
    )  # X.520: a common name has 64 characters
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, bounded)])


def _key_usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _private_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
