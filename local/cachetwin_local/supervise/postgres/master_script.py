"""SQL for psql that makes the master user, the roles of RDS and the databases what the template says.

It runs at every start and on whatever was there before.
"""

from collections.abc import Iterable

__all__ = ["extension_script", "master_script"]

_RDS_ROLES = ("rds_superuser", "rds_iam", "rds_password", "rds_replication")
_GRANTED = (
    "pg_monitor",
    "pg_signal_backend",
    "pg_checkpoint",
    "pg_create_subscription",
    "pg_maintain",
    "pg_use_reserved_connections",
    *_RDS_ROLES[1:],
)
"""What rds_superuser may use and hand on, as far as the server's version has it (RDS user guide, "Understanding the
rds_superuser role")."""


def master_script(user: str, password: str, database: str | None) -> str:
    """The roles, the master user and its databases."""
    role, login, secret = _identifier(user), _literal(user), _literal(password)
    owned = [("postgres", False), *([(database, True)] if database and database != "postgres" else [])]
    grants = "SELECT format('GRANT %I TO rds_superuser WITH ADMIN OPTION', rolname) FROM pg_roles WHERE rolname IN"
    lines = [
        "SET log_min_error_statement = panic; SET log_min_duration_statement = -1; SET log_statement = none;",
        "SET client_min_messages = warning;",
        *(
            _unless(f"SELECT FROM pg_roles WHERE rolname = '{name}'", f"CREATE ROLE {name} NOLOGIN")
            for name in _RDS_ROLES
        ),
        f"{grants} ({', '.join(map(_literal, _GRANTED))}) \\gexec",
        _unless(f"SELECT FROM pg_roles WHERE rolname = {login}", f"CREATE ROLE {role} LOGIN"),
        f"ALTER ROLE {role} LOGIN CREATEDB CREATEROLE PASSWORD {secret};",
        f"GRANT rds_superuser TO {role};",
    ]
    for name, create in owned:
        if create:
            exists = f"SELECT FROM pg_database WHERE datname = {_literal(name)}"
            lines.append(_unless(exists, f"CREATE DATABASE {_identifier(name)}"))
        lines.append(f"ALTER DATABASE {_identifier(name)} OWNER TO {role};")
    return "\n".join(lines) + "\n"


def extension_script(names: Iterable[str]) -> str:
    """Those of the extensions `names` that the server has; for the master's database."""
    lines = ["SET client_min_messages = warning;"]
    for name in names:
        statement = _literal(f"CREATE EXTENSION IF NOT EXISTS {_identifier(name)}")
        lines.append(f"SELECT {statement} FROM pg_available_extensions WHERE name = {_literal(name)} \\gexec")  # noqa: S608  (quoted)
    return "\n".join(lines) + "\n"


def _unless(exists: str, statement: str) -> str:
    """A line for psql that runs `statement` unless the query `exists` finds a row."""
    return f"SELECT {_literal(statement)} WHERE NOT EXISTS ({exists}) \\gexec"


def _literal(text: str) -> str:
    """A SQL string; standard_conforming_strings is on by default, so only the quote needs doubling."""
    return "'" + text.replace("'", "''") + "'"


def _identifier(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
