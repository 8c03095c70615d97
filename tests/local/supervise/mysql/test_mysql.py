"""RDS for MySQL and MariaDB with a server that this machine has, asked by the client of its package."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.events import Event, ResourceState
from cachetwin_local.supervise.mysql import server
from cachetwin_local.supervise.mysql.installations import Installation, choose, installations
from cachetwin_local.supervise.mysql.master_script import SUPERUSER, master_script
from cachetwin_local.supervise.mysql.server import MySqlActor
from cachetwin_local.supervise.project.run_context import RunContext
from cachetwin_local.topology.values import Database

PLACE = Path("/none")
MARIADB, MYSQL = (Installation(kind, PLACE, PLACE, PLACE) for kind in ("MariaDB", "MySQL"))
INSTALLED = "SELECT CONCAT(User, '@', Host) FROM mysql.user WHERE User IN ('root', '')"


@pytest.mark.parametrize(
    ("found", "engine", "chosen"),
    [
        ((MARIADB, MYSQL), "mysql", MYSQL),
        ((MYSQL, MARIADB), "mariadb", MARIADB),
        ((MARIADB,), "mysql", MARIADB),
        ((), "mysql", None),
    ],
)
def test_the_server_of_the_engine_is_taken_and_else_the_other_one(
    found: Sequence[Installation], engine: str, chosen: Installation | None
) -> None:
    assert choose(found, engine) == chosen


def test_a_statement_of_the_script_is_one_line_whatever_the_names_hold() -> None:
    script = master_script("o'hara\\", "a\nb'; DROP DATABASE mysql; --", "x", "shop`; --")
    assert script.count("\n") == len(script.strip().split(";\n"))
    assert "CREATE USER IF NOT EXISTS 'o\\'hara\\\\'@'%' IDENTIFIED BY 'a\\nb\\'; DROP DATABASE mysql; --';\n" in script
    assert "CREATE DATABASE IF NOT EXISTS `shop``; --`;\n" in script


def test_without_a_server_the_error_says_so(
    run_context: RunContext, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "installations", list)
    with pytest.raises(UserError, match="neither a MySQL nor a MariaDB server is installed here"):
        MySqlActor(run_context, replace(database, engine="mysql"))


@asynccontextmanager
async def running(run_context: RunContext, database: Database) -> AsyncIterator[MySqlActor]:
    actor = MySqlActor(run_context, database)
    try:
        actor.open()
        await actor.prepare()
        await actor.start()
        yield actor
    finally:
        await actor.stop()


async def ask(run_context: RunContext, database: Database, query: str, *words: str) -> str:
    """What the client prints for `query` over verified TLS (or as `words` say), its error where it fails."""
    found = choose(installations(), database.engine)
    assert found is not None
    tls = words or (f"--ssl-ca={run_context.local_ca.bundle_file}", "--ssl-verify-server-cert")
    endpoint = database.endpoint
    process = await asyncio.create_subprocess_exec(
        str(found.client), "--no-defaults", f"--host={endpoint.address}", f"--port={endpoint.port}",
        "--protocol=tcp", *tls, f"--user={run_context.secrets.text(database.username)}", "--batch", "--skip-column-names",
        f"--execute={query}", database.db_name or "",
        env={"MYSQL_PWD": run_context.secrets.text(database.password)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await asyncio.wait_for(process.communicate(), 30)
    return output.decode().strip()


@pytest.mark.skipif(not installations(), reason="neither a MySQL nor a MariaDB server is installed here")
def test_the_master_user_logs_in_over_tls_but_no_account_without_a_password_and_data_survives(
    run_context: RunContext, database: Database, events: list[Event]
) -> None:
    given = {
        "max_connections": "77",
        "parameter_of_the_future": "1",
        "innodb_log_buffer_size": "{DBInstanceClassMemory}",
    }
    shop = replace(
        database,
        engine="mysql",
        engine_version="8.4.3",
        endpoint=replace(database.endpoint, port=3306),
        parameters=given,
    )

    async def main() -> None:
        async with running(run_context, shop) as actor:
            assert actor.detail.startswith(("MariaDB ", "MySQL "))
            query = "SELECT CONCAT(SUBSTRING_INDEX(USER(), '@', 1), '@', DATABASE(), ' ', @@max_connections)"
            assert await ask(run_context, shop, query) == "shop_admin@shop 77"
            assert "Ssl_cipher\tTLS" in await ask(run_context, shop, "SHOW STATUS LIKE 'Ssl_cipher'")
            plain = await ask(run_context, shop, "SELECT 1", "--skip-ssl")
            assert "insecure transport" in plain or "Access denied" in plain  # MySQL's words, and MariaDB's
            refused = await ask(run_context, replace(shop, password="wrong"), "SELECT 1")
            assert "Access denied for user 'shop_admin'" in refused
            assert "Access denied" in await ask(run_context, shop, "SET GLOBAL read_only = 1")
            said = "\n".join(run_context.logs.tail(actor.name, 400))
            for name, value in list(given.items())[1:]:
                assert f"[cachetwin] parameter {name}={value} is not applied here" in said
            await ask(run_context, shop, "CREATE TABLE kept (n INT) AS SELECT 7 AS n")
            root, own = replace(shop, username="root", password=""), replace(shop, username="root", password="ours")
            assert "Access denied for user 'root'" in await ask(run_context, root, "SELECT 1")
            assert await ask(run_context, shop, INSTALLED) == ""
            made = "CREATE USER 'root'@'%' IDENTIFIED BY 'ours'; GRANT ALL PRIVILEGES ON shop.* TO 'root'@'%'"
            assert await ask(run_context, shop, made) == ""
            psutil.Process(run_context.children[actor.name].pid).kill()
            async with asyncio.timeout(30):
                while ResourceState(actor.name, "database", "ready", "restarted") not in events:
                    await asyncio.sleep(0.05)
            assert await ask(run_context, shop, "SELECT n FROM kept") == "7"
            assert await ask(run_context, own, "SELECT n FROM kept") == "7"  # what was acknowledged outlives a kill
            superuser = replace(
                shop, username=SUPERUSER, password=run_context.secrets.internal(f"{actor.name}/{SUPERUSER}")
            )
            by_socket = ("--host=localhost", "--protocol=socket", f"--socket={actor._socket_path}")
            accounts = ("'root'@'127.0.0.1'", "'root'@'an-earlier.name'", "''@'127.0.0.1'")
            made = "".join(f"CREATE USER {one}; GRANT ALL ON *.* TO {one};" for one in accounts)
            assert await ask(run_context, superuser, made, *by_socket) == ""
            assert await ask(run_context, root, "SELECT 1") == "1"
        changed = replace(shop, password="another it's\\ secret", force_ssl=False)
        async with running(run_context, changed):
            assert await ask(run_context, changed, "SELECT n FROM kept", "--skip-ssl") == "7"
            assert "Access denied" in await ask(run_context, shop, "SELECT 1")
            assert "Access denied for user 'root'" in await ask(run_context, root, "SELECT 1")
            assert await ask(run_context, changed, INSTALLED) == "root@%"
            assert await ask(run_context, own, "SELECT n FROM kept") == "7"
        assert not run_context.children

    asyncio.run(main())
