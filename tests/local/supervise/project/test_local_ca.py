"""The local CA, asked by real TLS clients and servers."""

import asyncio
import datetime as dt
import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.project.key_pair import KeyPair
from cachetwin_local.supervise.project.local_ca import LocalCA


async def shake_hands(pair: KeyPair, address: str, name: str, context: ssl.SSLContext) -> str | None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), address, 0, ssl=pair.server_context())
    async with server:
        port = server.sockets[0].getsockname()[1]
        _reader, writer = await asyncio.open_connection(address, port, ssl=context, server_hostname=name)
        version: str | None = writer.get_extra_info("ssl_object").version()
        writer.close()
        await writer.wait_closed()
    return version


def test_a_leaf_is_trusted_by_address_and_by_its_aws_name(tmp_path: Path, address: str) -> None:
    local_ca = LocalCA(tmp_path / "ca", "test")
    aws_name = "master.shop.abc123.use1.cache.amazonaws.com"
    pair = local_ca.issue("cache", [address], [aws_name])
    for name in (address, aws_name, "localhost"):
        assert asyncio.run(shake_hands(pair, address, name, local_ca.trusting_context())) == "TLSv1.3"
    bundle = ssl.create_default_context(cafile=str(local_ca.bundle_file))
    assert asyncio.run(shake_hands(pair, address, address, bundle)) == "TLSv1.3"


def test_another_name_or_another_trust_is_refused(tmp_path: Path, address: str) -> None:
    local_ca = LocalCA(tmp_path / "ca", "test")
    pair = local_ca.issue("cache", [address])
    for name, context in ((("127.9.9.9"), local_ca.trusting_context()), (address, ssl.create_default_context())):
        with pytest.raises(ssl.SSLCertVerificationError):
            asyncio.run(shake_hands(pair, address, name, context))


def test_the_ca_may_sign_for_nothing_but_this_machine_and_the_zones_of_endpoints(tmp_path: Path) -> None:
    local_ca = LocalCA(tmp_path / "ca", "test")
    pair = local_ca.issue("cache", ["127.1.1.1"], ["bank.example.com", "a.b.rds.amazonaws.com"])
    leaf = x509.load_pem_x509_certificate(pair.certificate_file.read_bytes())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["a.b.rds.amazonaws.com", "localhost"]
    ca = x509.load_pem_x509_certificate(local_ca.certificate_file.read_bytes())
    assert ca.extensions.get_extension_for_class(x509.NameConstraints).critical
    assert leaf.not_valid_after_utc - dt.datetime.now(dt.UTC) < dt.timedelta(days=31)


def test_the_ca_stays_from_run_to_run_and_its_keys_are_private(tmp_path: Path) -> None:
    first = LocalCA(tmp_path / "ca", "test").certificate_file.read_bytes()
    again = LocalCA(tmp_path / "ca", "test")
    assert again.certificate_file.read_bytes() == first
    pair = again.issue("cache", ["127.1.1.1"])
    for path in (tmp_path / "ca" / "ca.key", pair.key_file):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "ca").stat().st_mode) == 0o700


def test_the_bundle_also_holds_the_public_cas(tmp_path: Path) -> None:
    local_ca = LocalCA(tmp_path / "ca", "test")
    context = ssl.create_default_context(cafile=str(local_ca.bundle_file))
    assert "Amazon" in repr(context.get_ca_certs())
    assert local_ca.bundle_file.read_bytes().endswith(local_ca.certificate_file.read_bytes())


def test_a_damaged_ca_is_the_users_to_reset(tmp_path: Path) -> None:
    LocalCA(tmp_path / "ca", "test")
    (tmp_path / "ca" / "ca.key").write_text("nonsense")
    with pytest.raises(UserError, match="cachetwin reset"):
        LocalCA(tmp_path / "ca", "test")
