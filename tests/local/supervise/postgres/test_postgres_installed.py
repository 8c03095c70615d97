"""The database with a PostgreSQL that this machine has installed: TLS of its own, roles and extensions of RDS."""

import os
import socket
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import psutil
import psycopg
import pytest
from tests.local.supervise.postgres.test_postgres import address_of, answers, ask, run, running, until

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.events import Event, ResourceState
from cachetwin_local.supervise.postgres.installations import Installation, choose, installations
from cachetwin_local.supervise.postgres.server import PostgresActor
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.values import Database

DEBIAN = [each for each in installations() if each.bin.is_relative_to("/usr/lib/postgresql")]


def found(*majors: int) -> Sequence[Installation]:
    return [Installation(major, Path(f"/{place}/{major}")) for place, major in enumerate(majors)]


@pytest.mark.parametrize(
    ("majors", "version", "chosen"),
    [
        ((15, 16, 18), "16.4", 16),
        ((15, 16, 18), "14.1", 15),
        ((15, 16, 18), "17", 18),
        ((15, 16, 18), "99", 18),
        ((15, 18), "", 18),
    ],
)
def test_the_version_asked_for_is_taken_and_else_the_nearest(majors: Sequence[int], version: str, chosen: int) -> None:
    installation = choose(found(*majors), version)
    assert installation is not None
    assert installation.major == chosen


def test_of_one_version_the_first_found_is_taken_and_without_any_there_is_none() -> None:
    first, _second = both = found(16, 16)
    assert choose(both, "16.1") == first
    assert choose([], "16.1") is None


@pytest.fixture
def installed(database: Database) -> Database:
    """A database that asks for the version of an installed server."""
    if not DEBIAN:
        pytest.skip("no PostgreSQL of Debian's packages is installed here")
    return replace(database, engine_version=f"{DEBIAN[0].major}.4")


def test_the_server_itself_speaks_tls_at_the_endpoint(run_context: RunContext, installed: Database) -> None:
    async def main() -> None:
        async with running(run_context, installed) as actor:
            login = address_of(run_context, installed)
            assert actor.detail == f"PostgreSQL {DEBIAN[0].major}"
            assert str(await ask(login, "SHOW server_version")).startswith(f"{DEBIAN[0].major}.")
            assert await ask(login, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()") is True
            assert str(await ask(login, "SELECT host(inet_server_addr())")) == installed.endpoint.address
            assert await ask(login, "SHOW rds.force_ssl") == "on"
            assert list(run_context.children) == [actor.name]
            with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry for host .* no encryption"):
                await ask({**login, "sslmode": "disable"}, "SELECT 1")
            with pytest.raises(psycopg.OperationalError, match=r"pg_hba\.conf rejects connection"):
                await ask({**login, "user": "rdsadmin"}, "SELECT 1")

    run(main)


def test_without_force_ssl_the_installed_server_takes_plain_connections(
    run_context: RunContext, installed: Database
) -> None:
    async def main() -> None:
        relaxed = replace(installed, force_ssl=False)
        async with running(run_context, relaxed):
            login = address_of(run_context, relaxed)
            assert await ask({**login, "sslmode": "disable"}, "SHOW rds.force_ssl") == "off"
            assert await ask(login, "SELECT 1") == 1

    run(main)


def test_extensions_and_roles_are_those_of_rds(run_context: RunContext, installed: Database) -> None:
    async def main() -> None:
        async with running(run_context, installed):
            login = address_of(run_context, installed)
            connection = await psycopg.AsyncConnection.connect(**login, autocommit=True)
            async with connection:
                for extension in ("pg_trgm", "uuid-ossp", "pgcrypto", "hstore", "citext", "pg_stat_statements"):
                    await connection.execute(f'CREATE EXTENSION IF NOT EXISTS "{extension}"')
                await connection.execute("CREATE USER reader")
                for role in ("rds_iam", "rds_replication", "rds_password", "pg_monitor"):
                    await connection.execute(f"GRANT {role} TO reader")
            assert int(str(await ask(login, "SELECT count(*) FROM pg_stat_statements"))) > 0
            # en_US sorts letters before cases, C sorts capitals first
            assert await ask(login, "SELECT string_agg(c, '' ORDER BY c) FROM unnest('{b,A,a,B}'::text[]) c") == "aAbB"

    run(main)


def test_an_installed_server_that_dies_is_started_again(
    run_context: RunContext, installed: Database, events: list[Event]
) -> None:
    async def main() -> None:
        async with running(run_context, installed) as actor:
            psutil.Process(run_context.children[actor.name].pid).kill()
            await until(lambda: ResourceState(actor.name, "database", "ready", "restarted") in events)
            assert await answers(run_context, installed)

    run(main)


def test_the_port_of_an_installed_server_is_checked_before_anything_starts(
    run_context: RunContext, installed: Database
) -> None:
    with (
        socket.create_server((installed.endpoint.address, 5432)),
        pytest.raises(UserError, match=rf"port 5432 .* taken by .*\(pid {os.getpid()}\)"),
    ):
        PostgresActor(run_context, installed).open()


def test_parameters_that_the_server_does_not_have_are_left_out_and_named(
    run_context: RunContext, installed: Database
) -> None:
    async def main() -> None:
        given = {
            "work_mem": "8192",
            "parameter_of_the_future": "1",
            "max_connections": "{DBInstanceClassMemory/9531392}",
        }
        async with running(run_context, replace(installed, parameters=given)) as actor:
            assert await ask(address_of(run_context, installed), "SHOW work_mem") == "8MB"
            said = "\n".join(run_context.logs.tail(actor.name, 400))
            assert "[cachetwin] parameter parameter_of_the_future=1 is not applied here" in said
            assert "[cachetwin] parameter max_connections={DBInstanceClassMemory/9531392} is not applied here" in said

    run(main)
