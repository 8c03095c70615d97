"""The database twin with real PostgreSQL and psycopg through its endpoint."""

import asyncio
import os
import signal
import socket
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import psutil
import psycopg
import pytest

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.events import Event, ResourceState
from cachetwin_local.supervise.postgres.server import PostgresActor
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.values import Database


@asynccontextmanager
async def running(run_context: RunContext, database: Database) -> AsyncIterator[PostgresActor]:
    actor = PostgresActor(run_context, database)
    try:
        actor.open()
        await actor.prepare()
        await actor.start()
        yield actor
    finally:
        await actor.stop()


def address_of(run_context: RunContext, database: Database, **changes: object) -> dict[str, Any]:
    return {
        "host": database.endpoint.address,
        "port": database.endpoint.port,
        "user": run_context.secrets.text(database.username),
        "password": run_context.secrets.text(database.password),
        "dbname": database.db_name,
        "sslmode": "verify-full",
        "sslrootcert": str(run_context.local_ca.bundle_file),
        "connect_timeout": 10,
        **changes,
    }


async def ask(parameters: dict[str, Any], query: str) -> object:
    connection = await psycopg.AsyncConnection.connect(**parameters)
    async with connection:
        cursor = await connection.execute(query)
        row = await cursor.fetchone() if cursor.description else None
    return None if row is None else row[0]


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(main())


def test_the_master_user_logs_in_over_tls_that_verifies_in_full(run_context: RunContext, database: Database) -> None:
    async def main() -> None:
        async with running(run_context, database):
            login = address_of(run_context, database)
            assert await ask(login, "SELECT current_user || '@' || current_database()") == "shop_admin@shop"
            assert await ask({**login, "sslnegotiation": "direct"}, "SELECT 42") == 42
            assert await ask(login, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
            assert len(str(await ask(login, "SELECT repeat('x', 5000000)"))) == 5_000_000

    run(main)


def test_a_connection_without_encryption_is_refused_in_rds_words(run_context: RunContext, database: Database) -> None:
    async def main() -> None:
        async with running(run_context, database):
            login = address_of(run_context, database, sslmode="disable")
            with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry for host .* no encryption"):
                await ask(login, "SELECT 1")
            with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
                await ask(address_of(run_context, database, password="wrong"), "SELECT 1")
            with pytest.raises(psycopg.OperationalError, match="certificate"):
                await ask(address_of(run_context, database, sslrootcert="system"), "SELECT 1")

    run(main)


def test_without_force_ssl_plain_connections_are_let_through(run_context: RunContext, database: Database) -> None:
    async def main() -> None:
        relaxed = replace(database, force_ssl=False)
        async with running(run_context, relaxed):
            assert await ask(address_of(run_context, relaxed, sslmode="disable"), "SELECT 1") == 1

    run(main)


def test_data_survives_and_a_new_password_takes_effect_at_the_next_start(
    run_context: RunContext, database: Database
) -> None:
    async def main() -> None:
        async with running(run_context, database):
            await ask(address_of(run_context, database), "CREATE TABLE kept (n) AS VALUES (6)")
            await ask(address_of(run_context, database), "UPDATE kept SET n = 7 RETURNING n")
        changed = replace(database, password="another secret")
        async with running(run_context, changed):
            assert await ask(address_of(run_context, changed), "SELECT n FROM kept") == 7
            with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
                await ask(address_of(run_context, database), "SELECT 1")
        assert not run_context.children

    run(main)


def test_a_server_that_dies_is_started_again(run_context: RunContext, database: Database) -> None:
    async def main() -> None:
        async with running(run_context, database) as actor:
            first = run_context.children[actor.name]
            psutil.Process(first.pid).kill()
            async with asyncio.timeout(30):
                while run_context.children.get(actor.name) in {None, first} or not await answers(run_context, database):
                    await asyncio.sleep(0.05)

    run(main)


async def answers(run_context: RunContext, database: Database) -> bool:
    try:
        return await ask(address_of(run_context, database), "SELECT true") is True
    except psycopg.OperationalError:
        return False


def test_bytes_behind_an_unanswered_sslrequest_drop_the_connection(run_context: RunContext, database: Database) -> None:
    async def main() -> None:
        async with running(run_context, database):
            reader, writer = await asyncio.open_connection(database.endpoint.address, database.endpoint.port)
            writer.write(struct.pack("!II", 8, 80877103) + b"stuffed")
            assert await reader.read() == b""
            writer.close()

    run(main)


def test_a_taken_port_names_the_port_the_address_and_who_holds_it(run_context: RunContext, database: Database) -> None:
    expected = rf"port 5432 on {database.endpoint.address}.* taken by .*\(pid \d+\)"
    with socket.create_server((database.endpoint.address, 5432)), pytest.raises(UserError, match=expected):
        PostgresActor(run_context, database).open()


def test_a_server_that_hangs_is_unhealthy_until_it_answers_again(
    run_context: RunContext, database: Database, events: list[Event]
) -> None:
    async def scenario() -> None:
        async with running(run_context, database) as actor:
            pid = run_context.children[actor.name].pid
            os.kill(pid, signal.SIGSTOP)
            try:
                hung = ResourceState(actor.name, "database", "unhealthy", "does not answer within 2 s")
                await until(lambda: hung in events)
            finally:
                os.kill(pid, signal.SIGCONT)
            await until(lambda: events[-1] == ResourceState(actor.name, "database", "ready", "answers again"))

    asyncio.run(scenario())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.05)
