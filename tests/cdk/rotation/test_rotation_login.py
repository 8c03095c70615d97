"""The rotation's test step logs in for real: to our own engine, over TLS, on loopback."""

import datetime
import json
import logging
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3  # type: ignore[import-untyped]
import pytest
from botocore.stub import Stubber  # type: ignore[import-untyped]
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.processes import free_port

from cachetwin_cdk.rotation.function import rotate

OLD, NEW = "old-password-of-32-characters-00", "new-password-of-32-characters-00"
SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:cache-a1b2c3"  # an ARN, no secret
VERSION = "22222222-2222-2222-2222-222222222222"
START_SECONDS_MAX = 60
ATTEMPTS = 5


@dataclass(frozen=True)
class Engine:
    port: int
    authority: Path
    """The certificate that signed itself, which clients have to trust."""
    key: Path


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Certificate and key of a cache that is called localhost, and by no other name."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cache")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        # What Python 3.13 insists on by default (VERIFY_X509_STRICT).
        .add_extension(_signs_itself_and_serves(), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "cache.pem", folder / "cache.key"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_file, key_file


def _signs_itself_and_serves() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


@contextmanager
def running(configuration: str, folder: Path) -> Iterator[Engine]:
    """An engine that takes TLS only. Another program may take the free port first: then on another one."""
    certificate, key = self_signed(folder)
    settings = folder / "engine.conf"
    settings.write_text(f"tls-cert-file {certificate}\ntls-key-file {key}\nport 0\n{configuration}\n")
    log: list[str] = []
    for _ in range(ATTEMPTS):
        port = free_port()
        command = [sys.executable, "-m", "cachetwin_engine", str(settings), "--tls-port", str(port), "--save", ""]
        process = subprocess.Popen([*command, "--log-format", "json"], stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        deadline = threading.Timer(START_SECONDS_MAX, process.kill)  # ends the wait for a line that never comes
        deadline.start()
        ready = _is_ready(process.stderr, log)
        deadline.cancel()
        try:
            if ready:
                yield Engine(port, certificate, key)
                return
        finally:
            process.terminate()
            process.stderr.read()  # until its end, so that it never waits for a reader
            process.wait(START_SECONDS_MAX)
            process.stderr.close()
    pytest.fail(f"the engine did not get ready on {ATTEMPTS} ports: {''.join(log[-20:])}")


def _is_ready(lines: Iterable[str], log: list[str]) -> bool:
    """Whether the engine says so before its log ends; what it says until then goes to ``log``."""
    for line in lines:
        log.append(line)
        if '"Ready to accept connections"' in line:
            return True
    return False


@pytest.fixture(scope="module")
def with_users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A cache whose user has both passwords, as after setSecret."""
    users = f"user default off\nuser ann on >{OLD} >{NEW} ~* +@all"
    with running(users, tmp_path_factory.mktemp("users")) as engine:
        yield engine


@pytest.fixture(scope="module")
def with_token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A cache with one password for everybody."""
    with running(f"user default on >{NEW} ~* +@all", tmp_path_factory.mktemp("token")) as engine:
        yield engine


@pytest.fixture
def trusted(with_users: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The cache, by a client that trusts its certificate as a function trusts Amazon's."""
    monkeypatch.setenv("SSL_CERT_FILE", str(with_users.authority))
    return with_users


@pytest.mark.parametrize("password", [OLD, NEW])
def test_a_user_logs_in_with_either_password(trusted: Engine, password: str) -> None:
    rotate.CacheLogin("localhost", trusted.port, "ann").try_password(password)


def test_a_token_logs_in_without_a_name(with_token: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(with_token.authority))
    rotate.CacheLogin("localhost", with_token.port, "").try_password(NEW)


def test_a_password_that_the_cache_refuses_fails_the_rotation_without_telling_it(trusted: Engine) -> None:
    with pytest.raises(RuntimeError, match="refuses the new password: WRONGPASS") as refused:
        rotate.CacheLogin("localhost", trusted.port, "ann").try_password("some-other-password")
    assert "some-other-password" not in str(refused.value)


def test_a_cache_that_is_not_the_one_it_should_be_gets_no_password(
    with_users: Engine, with_token: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(with_token.authority))
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        rotate.CacheLogin("localhost", with_users.port, "ann").try_password(NEW)


def test_a_name_that_the_certificate_does_not_hold_gets_no_password(trusted: Engine) -> None:
    with pytest.raises(OSError, match=r"CERTIFICATE_VERIFY_FAILED.*127\.0\.0\.1"):
        rotate.CacheLogin("127.0.0.1", trusted.port, "ann").try_password(NEW)


def test_a_cache_that_hangs_up_did_not_take_the_password(trusted: Engine) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted.authority, trusted.key)
    with context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True) as listener:
        silent = threading.Thread(target=_take_and_close, args=(listener,))
        silent.start()
        with pytest.raises(RuntimeError, match="refuses the new password: no reply"):
            rotate.CacheLogin("localhost", listener.getsockname()[1], "ann").try_password(NEW)
        silent.join()


def _take_and_close(listener: socket.socket) -> None:
    client, _ = listener.accept()
    with client:
        client.recv(1024)


def test_without_a_route_the_api_s_word_has_to_do(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as taken, caplog.at_level(logging.WARNING):
        taken.bind(("127.0.0.1", 0))  # a port where nobody listens, and nobody else can
        rotate.CacheLogin("127.0.0.1", taken.getsockname()[1], "ann").try_password(NEW)
    assert "no route to 127.0.0.1" in caplog.text
    assert NEW not in caplog.text


def test_the_test_step_asks_the_api_and_then_logs_in(
    trusted: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with stubbed(monkeypatch, trusted, NEW):
        rotate.handler({"Step": "testSecret", "SecretId": SECRET, "ClientRequestToken": VERSION}, None)
    assert not caplog.records


def test_the_test_step_fails_when_the_cache_does_not_know_the_new_password(
    trusted: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stubbed(monkeypatch, trusted, "never-arrived-at-the-cache"), pytest.raises(RuntimeError, match="WRONGPASS"):
        rotate.handler({"Step": "testSecret", "SecretId": SECRET, "ClientRequestToken": VERSION}, None)


@contextmanager
def stubbed(monkeypatch: pytest.MonkeyPatch, engine: Engine, pending: str) -> Iterator[None]:
    """The environment of the function for this cache, and AWS's answers in botocore's shapes."""
    settings = {
        "KIND": "user", "RESOURCE_ID": "orders", "JSON_FIELD": "password", "CACHE_HOST": "localhost",
        "CACHE_PORT": str(engine.port), "USER_NAME": "ann",
    }  # fmt: skip
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    keys = {"aws_access_key_id": "none", "aws_secret_access_key": "none"}
    clients = {name: boto3.client(name, region_name="eu-west-1", **keys) for name in ("secretsmanager", "elasticache")}
    monkeypatch.setattr(boto3, "client", clients.__getitem__)
    with Stubber(clients["secretsmanager"]) as vault, Stubber(clients["elasticache"]) as cache:
        vault.add_response("describe_secret", {"VersionIdsToStages": {VERSION: ["AWSPENDING"]}})
        active = {"Status": "active", "Authentication": {"Type": "password", "PasswordCount": 2}}
        cache.add_response("describe_users", {"Users": [active]}, {"UserId": "orders"})
        vault.add_response("get_secret_value", {"SecretString": json.dumps({"password": pending})})
        yield
        vault.assert_no_pending_responses()
        cache.assert_no_pending_responses()
