"""The migration, and what the role that it makes may do."""

import subprocess
import sys
from collections.abc import Callable

import psycopg
import pytest
from tests.stacks.web_app.conftest import SERVICE, Postgres, Service

ROLE = {"DB_APP_USER": "catalogue_service", "DB_APP_PASSWORD": "role-password-0123456789"}


OWNER = "owner_of_the_catalogue"


@pytest.fixture
def database(postgres: Postgres) -> str:
    """An empty database."""
    return postgres.new_database()


@pytest.fixture
def environment(environment: dict[str, str], postgres: Postgres) -> dict[str, str]:
    """As a user like the master user of RDS: no superuser, but it owns the database and may make roles."""
    with postgres.connect() as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (OWNER,)).fetchone():
            connection.execute(f"CREATE ROLE {OWNER} LOGIN CREATEROLE CREATEDB".encode())
        connection.execute(f"ALTER DATABASE {environment['DB_NAME']} OWNER TO {OWNER}".encode())
    return {**environment, "DB_USER": OWNER}


def migrate(environment: dict[str, str], **variables: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "catalogue.migrate"]
    return subprocess.run(
        command, cwd=SERVICE, env={**environment, **variables}, capture_output=True, text=True, timeout=120, check=False
    )


def connect(environment: dict[str, str]) -> "psycopg.Connection[tuple[object, ...]]":
    """As the role that the migration made."""
    return psycopg.connect(
        host="127.0.0.1",
        port=int(environment["DB_PORT"]),
        dbname=environment["DB_NAME"],
        user=ROLE["DB_APP_USER"],
        password=ROLE["DB_APP_PASSWORD"],
        autocommit=True,
    )


def test_the_service_works_as_the_role_that_the_migration_makes(
    environment: dict[str, str], start_service: Callable[..., Service]
) -> None:
    for _ in range(2):  # each task of each deployment runs it
        done = migrate(environment, **ROLE)
        assert (done.returncode, done.stderr) == (0, "")
    service = start_service(DB_USER=ROLE["DB_APP_USER"], DB_PASSWORD=ROLE["DB_APP_PASSWORD"])
    service.wait_ready()
    product = {"name": "Test Lamp", "category": "Lighting", "description": "", "price_cents": 1999, "stock": 3}
    created = service.client.post("/api/products", json=product)
    path = created.headers["location"]
    assert service.client.get(path).json()["data"]["name"] == "Test Lamp"
    assert service.client.patch(path, json={"stock": 4}).status_code == 200
    assert service.client.get("/api/search?q=lamp").json()["data"]["total"] > 1
    assert service.client.delete("/api/products/7").status_code == 200  # and its reviews
    assert "made the catalogue's tables" not in service.log()


def test_the_role_may_do_nothing_else(environment: dict[str, str]) -> None:
    assert migrate(environment, **ROLE).returncode == 0
    for statement in (
        "CREATE TABLE other (id integer)",
        "DROP TABLE reviews",
        "DELETE FROM reviews",
        "UPDATE catalogue_schema SET version = 0",
        "TRUNCATE products",
        "CREATE ROLE friend",
        "CREATE DATABASE other",
    ):
        with connect(environment) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())


def test_the_password_is_sent_as_a_hash_and_a_new_one_replaces_it(
    environment: dict[str, str], postgres: Postgres
) -> None:
    for password in ("first-0123456789", "second-0123456789"):
        assert migrate(environment, **{**ROLE, "DB_APP_PASSWORD": password}).returncode == 0
        with postgres.connect() as connection:
            row = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'catalogue_service'").fetchone()
        assert row is not None
        assert row[0].startswith("SCRAM-SHA-256$")
    assert "0123456789" not in (postgres.folder / "log").read_text()


@pytest.mark.parametrize("name", ["DB_HOST", "DB_APP_USER", "DB_APP_PASSWORD"])
def test_a_missing_variable_is_one_line_that_names_it(environment: dict[str, str], name: str) -> None:
    variables = {**environment, **ROLE}
    del variables[name]
    done = migrate(variables)
    assert done.returncode == 1
    assert done.stderr == f"catalogue.migrate: {name} is required, and it is not set\n"
