"""``python -m catalogue.migrate``: make the tables and the service's role, as a user who may, and end.

A task runs it before it serves (a container of its own, with credentials that the service does not get). The service then
logs in as a role that may read the tables and change products, and nothing else.
"""

import asyncio
import os
import sys
from collections.abc import Mapping
from typing import Final

from psycopg import AsyncConnection, DatabaseError, OperationalError, sql
from psycopg.rows import DictRow, dict_row

from . import schema
from .database import conninfo
from .settings import DatabaseSettings, SettingsError, database_settings, required_text

ATTEMPT_COUNT: Final = 30
PAUSE_S: Final = 2.0  # a database that is being made, or fails over, takes a minute

# The identity column gives its numbers to whoever may insert; reviews of a deleted product go with their table's rights.
GRANTS: Final = """
GRANT CONNECT ON DATABASE {database} TO {role};
GRANT USAGE ON SCHEMA public TO {role};
GRANT SELECT ON products, reviews, catalogue_schema TO {role};
GRANT INSERT, UPDATE, DELETE ON products TO {role};
"""


def main(env: Mapping[str, str]) -> int:
    """Migrate; the exit status. 1 with one line on stderr when the environment is wrong or the database refuses."""
    try:
        settings = database_settings(env)
        role, password = required_text(env, "DB_APP_USER"), required_text(env, "DB_APP_PASSWORD")
        asyncio.run(migrate(settings, role, password))
    except (SettingsError, DatabaseError) as error:
        sys.stderr.write(f"catalogue.migrate: {' '.join(str(error).split())}\n")
        return 1
    return 0


async def migrate(settings: DatabaseSettings, role: str, password: str) -> None:
    """Make what is missing. Raises DatabaseError; OperationalError when the database is not reached in a minute."""
    connection = await _connect(settings)
    async with connection:
        await schema.prepare(connection)
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", (schema.LOCK_ID,))
            await _make_role(connection, role, password)
            grants = sql.SQL(GRANTS).format(database=sql.Identifier(settings.name), role=sql.Identifier(role))
            await connection.execute(grants)


async def _connect(settings: DatabaseSettings) -> AsyncConnection[DictRow]:
    for _ in range(ATTEMPT_COUNT - 1):
        try:
            return await AsyncConnection.connect(conninfo(settings), autocommit=True, row_factory=dict_row)
        except OperationalError:
            await asyncio.sleep(PAUSE_S)
    return await AsyncConnection.connect(conninfo(settings), autocommit=True, row_factory=dict_row)


async def _make_role(connection: AsyncConnection[DictRow], role: str, password: str) -> None:
    """Make the role, or give it its password again: a new one then comes with a deployment. Only a hash is sent."""
    found = await (await connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,))).fetchone()
    hashed = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    verb = sql.SQL("ALTER" if found else "CREATE")
    statement = sql.SQL("{} ROLE {} LOGIN PASSWORD {}")
    await connection.execute(statement.format(verb, sql.Identifier(role), sql.Literal(hashed)))


if __name__ == "__main__":
    sys.exit(main(os.environ))
