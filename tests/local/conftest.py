"""A run_context to build on: folders of the test's own, nothing shared with the project's."""

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cachetwin_local.supervise.events import Event
from cachetwin_local.supervise.project.local_ca import LocalCA
from cachetwin_local.supervise.project.logs import Logs
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.supervise.project.secret_store import SecretStore
from cachetwin_local.topology.values import (
    Attachment,
    Database,
    Endpoint,
    GenerateSecretString,
    Identity,
    Secret,
    Text,
)

_addresses = itertools.count(2)


@pytest.fixture
def address() -> str:
    """A loopback address that no other test of this run uses; workers differ in the second octet."""
    return _next_address()


@pytest.fixture
def addresses() -> tuple[str, str]:
    """Two such addresses."""
    return _next_address(), _next_address()


def _next_address() -> str:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    number = next(_addresses)
    return f"127.{100 + worker}.{number // 250}.{number % 250 + 2}"


@pytest.fixture
def identity() -> Callable[..., Identity]:
    """Makes the identity of a resource named like its type's last word."""

    def make(logical_id: str, type_: str = "AWS::Test::Resource") -> Identity:
        return Identity(
            "Shop", logical_id, type_, f"Shop/{logical_id}", logical_id.lower(), f"arn:aws:test:::{logical_id}"
        )

    return make


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def run_context(tmp_path: Path, events: list[Event]) -> Iterator[RunContext]:
    directory = tmp_path / ".cachetwin"
    book = Logs(directory / "logs")
    yield RunContext(
        directory=directory,
        assembly=tmp_path / "cdk.out",
        secrets=_store(directory),
        local_ca=LocalCA(directory / "ca", "test"),
        logs=book,
        publish=events.append,
    )
    book.close()


def _store(directory: Path) -> SecretStore:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return SecretStore(directory / "secrets.json")


@pytest.fixture
def database(address: str, identity: Callable[..., Identity]) -> Database:
    return Database(
        identity=identity("Database", "AWS::RDS::DBInstance"),
        engine="postgres",
        engine_version="18.1",
        db_name="shop",
        username="shop_admin",
        password="it's a secret",
        endpoint=Endpoint(address, 5432, 5432, "required", ("shop.abc.us-east-1.rds.amazonaws.com",)),
        force_ssl=True,
        parameters={},
        security_groups=(),
    )


@pytest.fixture
def secret(identity: Callable[..., Identity]) -> Callable[..., Secret]:
    """Makes a secret from its rule or value."""

    def make(
        logical_id: str,
        generate: GenerateSecretString | None = None,
        value: Text | None = None,
        attachments: tuple[Attachment, ...] = (),
    ) -> Secret:
        type_ = "AWS::SecretsManager::Secret"
        return Secret(identity(logical_id, type_), logical_id.lower(), generate, value, attachments)

    return make
