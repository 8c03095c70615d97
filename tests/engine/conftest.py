"""Engines to talk to: in this process (``in_process``) or real processes on loopback, their logs, their certificates."""

import datetime
import ipaddress
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.engine import in_process, poisoned
from tests.engine.in_process import Run, StartRun
from tests.engine.local_clusters import Running, StartCluster
from tests.engine.replicas import Follow, follower_of
from tests.engine.supervised import Supervise, Supervisor
from tests.processes import free_port, free_ports

from cachetwin_engine.core import BUILD

if os.environ.get("CACHETWIN_POISON"):  # see there; `make pytest-poisoned`
    poisoned.install()

START_SECONDS_MAX = 20
STOP_SECONDS_MAX = 20
LOG_SECONDS_MAX = 20


def pytest_report_header() -> str:
    """Say which of the two builds these results are about."""
    return f"engine core under test: {BUILD}"


@pytest.fixture
def run() -> Run:
    """A client of a fresh engine in this process that acts as Valkey 8.1."""
    return in_process.start()


@pytest.fixture
def start_run() -> StartRun:
    """Start engines in this process, with a profile or a configuration: ``start_run("redis-7.1")``."""
    return in_process.start


@pytest.fixture
def follow(start_run: StartRun) -> Follow:
    """Start replicas of a primary in this process: ``follow(run)`` returns the wire between the two."""
    return follower_of(start_run)


class EngineProcess:
    """A running engine: where it listens, what it logs, how it ends."""

    host = "127.0.0.1"

    def __init__(self, arguments: list[str], port: int, pass_fds: tuple[int, ...] = ()) -> None:
        keeps = [] if "--save" in arguments else ["--save", "", "--dbfilename", "nobody-saves-this.rdb"]
        logs = ["--log-format", "json", "--loglevel", "debug"]
        command = [sys.executable, "-m", "cachetwin_engine", *arguments, *keeps, *logs]
        self.port = port
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, pass_fds=pass_fds
        )
        self.log: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()

    def _read_log(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._changed:
                try:
                    self.log.append(json.loads(line))
                except ValueError:
                    self.log.append({"message": "not JSON", "line": line.decode(errors="replace")})
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def wait_for_log(self, message: str, **fields: object) -> dict[str, Any]:
        """The first line whose message contains ``message`` and that has these fields."""

        def found() -> list[dict[str, Any]]:
            return [line for line in self.log if message in line["message"] and fields.items() <= line.items()]

        with self._changed:
            self._changed.wait_for(lambda: found() or self._ended, LOG_SECONDS_MAX)
            lines = found()
        assert lines, f"no log line with {message!r} and {fields}; the log is {self.log}"
        return lines[0]

    def connect(self, timeout: float = 10) -> socket.socket:
        """A plain TCP connection."""
        return socket.create_connection((self.host, self.port), timeout=timeout)

    def signal(self, number: signal.Signals) -> None:
        """Send the process a signal."""
        self.process.send_signal(number)

    def wait(self) -> int:
        """The exit code, once it has ended by itself."""
        code = self.process.wait(STOP_SECONDS_MAX)
        self._reader.join(STOP_SECONDS_MAX)
        return code

    def stop(self) -> None:
        """End it, by force if need be, and leave nothing open."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._reader.join(STOP_SECONDS_MAX)
        assert self.process.stderr is not None
        self.process.stderr.close()


StartEngine = Callable[..., EngineProcess]


def start(*arguments: str, pass_fds: tuple[int, ...] = (), tls: str = "off") -> EngineProcess:
    """An engine that is ready; it listens on a free port as ``tls`` says, unless a supervisor will tell it where."""
    port = 0 if "--control-fd" in arguments else free_port()
    plain, secure = {"off": (port, 0), "preferred": (port, port), "required": (0, port)}[tls]
    listen = ["--port", str(plain), "--tls-port", str(secure)]
    engine = EngineProcess([*arguments, *listen], port, pass_fds)
    try:
        engine.wait_for_log("Ready to accept connections")
    except AssertionError:
        engine.stop()
        raise
    return engine


@pytest.fixture
def start_engine() -> Iterator[StartEngine]:
    """Start engines with arguments of the test's own; they end with the test."""
    engines: list[EngineProcess] = []

    def start_one(*arguments: str, pass_fds: tuple[int, ...] = (), tls: str = "off") -> EngineProcess:
        engine = start(*arguments, pass_fds=pass_fds, tls=tls)
        engines.append(engine)
        return engine

    yield start_one
    for engine in engines:
        engine.stop()


@pytest.fixture(scope="module")
def engine_server() -> Iterator[EngineProcess]:
    """One engine with default settings for all tests of a module; nobody may change its settings or stop it."""
    engine = start()
    yield engine
    engine.stop()


class Certificates:
    """A certificate authority of the test run's own, and what it signs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        self._certificate = self._sign(name, self._key, issuer=name, authority=True)
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str) -> tuple[Path, Path]:
        """Certificate and key for 127.0.0.1 under this common name; a second issue under it replaces the files."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._sign(subject, key, issuer=self._certificate.subject, authority=False)
        certificate_file, key_file = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return certificate_file, key_file

    def arguments(self, name: str) -> list[str]:
        """Issue a certificate, and the engine's directives that use it."""
        certificate_file, key_file = self.issue(name)
        return ["--tls-cert-file", str(certificate_file), "--tls-key-file", str(key_file)]

    def client_context(self) -> ssl.SSLContext:
        """A client's context that trusts this authority only."""
        return ssl.create_default_context(cafile=str(self.ca_file))

    def _sign(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, issuer: x509.Name, authority: bool
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        addresses = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        signed_by = self._key.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(_key_usage(authority), critical=True)
            .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signed_by), critical=False)
            .sign(self._key, hashes.SHA256())
        )


def _key_usage(authority: bool) -> x509.KeyUsage:  # noqa: FBT001  (as the builder's other private steps)
    """From Python 3.13 on, clients refuse a certificate authority that does not say what its key is for."""
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    """A fresh certificate authority."""
    return Certificates(tmp_path)


@pytest.fixture
def supervise(start_engine: StartEngine) -> Iterator[Supervise]:
    """Start nodes under supervision."""
    supervisors: list[Supervisor] = []

    def start(*arguments: str) -> Supervisor:
        supervisors.append(Supervisor(start_engine, *arguments))
        return supervisors[-1]

    yield start
    for supervisor in supervisors:
        supervisor.close()


@pytest.fixture
def start_cluster() -> Iterator[StartCluster]:
    """Start clusters; they end with the test."""
    running: list[Running] = []

    def start(*arguments: str, before: Sequence[str] = ()) -> Running:
        running.append(Running(free_ports(8), *arguments, before=before))
        assert running[-1].process.poll() is None
        return running[-1]

    yield start
    for cluster in running:
        cluster.stop()
