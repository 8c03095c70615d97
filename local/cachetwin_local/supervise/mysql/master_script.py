"""SQL that makes the master user and the databases what the template says.

The server runs it at every start, before it accepts a connection, on whatever was there before: a statement a line.
"""

__all__ = ["SUPERUSER", "master_script"]

SUPERUSER = "rdsadmin"
_PRIVILEGES = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES, "
    "CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, "
    "CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER"
    "/*M!100304 , DELETE HISTORY *//*M!110301 , SHOW CREATE ROUTINE */"
)
"""Those of the master user of RDS for MySQL and MariaDB (RDS user guide, "Master user account privileges").

MariaDB, which reads the comments, counts two more among ALL PRIVILEGES of a database, which nobody can grant without them.
"""
_DROP_INSTALLED = (
    "SET SESSION group_concat_max_len = 65536;",
    (
        "SELECT COALESCE(CONCAT('DROP USER ', GROUP_CONCAT(QUOTE(User), '@', QUOTE(Host))), 'DO 0') INTO @drop_installed "
        "FROM mysql.user WHERE User = '' OR User = 'root' AND Super_priv = 'Y';"
    ),
    "PREPARE drop_installed FROM @drop_installed;",
    "EXECUTE drop_installed;",
    "DEALLOCATE PREPARE drop_installed;",
)
"""Drops the anonymous accounts and the superusers that installing made, for whichever hosts: they have no password.

A ``root`` that the template or the app made is none of them: RDS gives SUPER to nobody.
"""
_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\0": "\\0", "\x1a": "\\Z"}


def master_script(user: str, password: str, superuser_password: str, database: str | None) -> str:
    """The master user of this password, the superuser, and the database that the template names."""
    master, admin = f"{_literal(user)}@'%'", f"'{SUPERUSER}'@'localhost'"
    lines = [
        "SET SESSION sql_mode = '';",  # so that a backslash escapes, whatever the parameter group says
        *_DROP_INSTALLED,
        *_login(admin, superuser_password),
        f"GRANT ALL PRIVILEGES ON *.* TO {admin} WITH GRANT OPTION;",
        *_login(master, password),
        f"GRANT {_PRIVILEGES} ON *.* TO {master} WITH GRANT OPTION;",
    ]
    if database:
        lines.append(f"CREATE DATABASE IF NOT EXISTS {_identifier(database)};")
    return "\n".join(lines) + "\n"


def _login(account: str, password: str) -> list[str]:
    secret = _literal(password)
    return [
        f"CREATE USER IF NOT EXISTS {account} IDENTIFIED BY {secret};",
        f"ALTER USER {account} IDENTIFIED BY {secret};",
    ]


def _literal(text: str) -> str:
    return "'" + "".join(_ESCAPES.get(character, character) for character in text) + "'"


def _identifier(text: str) -> str:
    return "`" + text.replace("`", "``") + "`"
