"""RDS for MySQL, RDS for MariaDB and Aurora MySQL as a real server that this machine has.

It listens at the endpoint itself, with a certificate of the local CA. The superuser is ``rdsadmin`` (its password is ours
alone, and it comes in by the unix socket only), and the master user of the template has the privileges that RDS gives it.
The master's password is set at every start, so a secret that changed takes effect at the next `up`. Writes are flushed at
each commit, as on RDS.
"""

import asyncio
import os
import re
import shutil
import socket
from pathlib import Path

from cachetwin_local.errors import UserError
from cachetwin_local.supervise.background import BackgroundTasks
from cachetwin_local.supervise.health import HealthWatch
from cachetwin_local.supervise.mysql.installations import Installation, choose, installations
from cachetwin_local.supervise.mysql.master_script import master_script
from cachetwin_local.supervise.process.child import Child, Command, run
from cachetwin_local.supervise.process.private_file import give_to_nobody, make_private_directory, write_private
from cachetwin_local.supervise.process.sockets import listen
from cachetwin_local.supervise.project.key_pair import KeyPair
from cachetwin_local.supervise.project.run_context import RunContext, slug
from cachetwin_local.supervise.project.socket_directory import socket_directory
from cachetwin_local.supervise.restarter import Restarter, tail_of, wait_until_running
from cachetwin_local.topology.values import Database

__all__ = ["MySqlActor"]

_INSTALL_DEADLINE_S = 120.0
_START_DEADLINE_S = 60.0
_STOP_DEADLINE_S = 15.0
_CLIENT_DEADLINE_S = 30.0
_VERSION = re.compile(r"Ver (\d+\.\d+)")
_OPTION = re.compile(r"([a-z][a-z0-9-]+)\s")

_SETTINGS = {
    "innodb_buffer_pool_size": "32M",
    "log_warnings": "1",  # MariaDB: a health check that only asks for the greeting is no news
    "performance_schema": "OFF",
    "skip_name_resolve": "ON",
    "default_time_zone": "+00:00",
}
"""What a parameter group may set otherwise."""
_DATA_FOLDER = "."
"""From the data folder, where the server is. By its whole path it looks for Aria's control file with access(2), which
ignores the capability that lets ``nobody`` into the project's folders: it made a new one at each start, and after a kill
the system tables were repaired without their newest rows, of accounts, in the place of a recovery from the log."""
_OURS = (
    "aria_log_dir",
    "basedir", "bind_address", "datadir", "init_file", "log_bin", "log_error", "mysqlx", "pid_file", "plugin_dir", "port",
    "require_secure_transport", "secure_file_priv", "socket", "ssl", "tls", "user",
)  # fmt: skip


class MySqlActor:
    """One database instance and its endpoint."""

    kind = "database"

    def __init__(self, run_context: RunContext, database: Database) -> None:
        self.name = database.identity.key
        self.depends_on: frozenset[str] = frozenset()
        self._run_context = run_context
        self._database = database
        self._installation = _installation_for(database.engine)
        self._version = ""
        self._pair: KeyPair | None = None
        self._data = run_context.data_directory(self.name) / "mysql"
        self._sockets = socket_directory(run_context.directory) / slug(database.identity.logical_id)[-10:]
        self._restarter = Restarter(
            run_context, self.name, self.kind, self.name, self._start_process, stop_deadline_s=_STOP_DEADLINE_S
        )
        self._tasks = BackgroundTasks(run_context, self.name, self.kind)
        self._listener: socket.socket | None = None

    @property
    def detail(self) -> str:
        """The server that runs, and the template's where they differ."""
        wanted, kind = self._database.engine_version, self._installation.kind
        named = {"mysql": "MySQL", "mariadb": "MariaDB"}[self._database.engine]
        same = kind == named and wanted.startswith(self._version)
        return f"{kind} {self._version}" + ("" if same else f" for {named} {wanted}")

    def open(self) -> None:
        """Open the endpoint's listening socket."""
        endpoint = self._database.endpoint
        self._listener = listen(endpoint.address, endpoint.port, self.name)

    async def prepare(self) -> None:
        """Create the data folder at the first run."""
        make_private_directory(self._sockets)
        give_to_nobody(self._sockets)
        _code, lines = await run(self._command(self._installation.server, "--version"), _CLIENT_DEADLINE_S)
        match = _VERSION.search("\n".join(lines))
        self._version = match[1] if match else ""
        made_by = self._data.with_name("mysql.server")
        running = f"{self._installation.kind} {self._version}"
        if not self._data.exists():
            await self._install()
            made_by.write_text(running)
        found = made_by.read_text() if made_by.exists() else running
        if found != running:
            raise UserError(
                f"the data of {self.name} is of {found}, and this machine now has {running}: run `cachetwin reset` to "
                f"start afresh, or bring the former server back"
            )
        endpoint = self._database.endpoint
        self._pair = self._run_context.local_ca.issue(slug(self.name), [endpoint.address], endpoint.names)

    async def start(self) -> None:
        """Return when the master user can log in."""
        if self._listener is not None:
            self._listener.close()  # it kept the port; the server inherits no sockets
        await self._restarter.start()
        watch = HealthWatch(self._run_context, self.name, self.kind, self._greet)
        self._tasks.start("checking the health", watch.watch)

    async def stop(self) -> None:
        """Stop the server, which closes its connections."""
        await self._tasks.stop()
        if self._listener is not None:
            self._listener.close()
        await self._restarter.stop()

    async def _install(self) -> None:
        draft = self._data.with_name("mysql.new")
        if draft.exists():
            shutil.rmtree(draft)
        words = (
            ("--auth-root-authentication-method=socket", "--auth-root-socket-user=root", "--skip-test-db")
            if self._installation.kind == "MariaDB"
            else ("--initialize-insecure",)
        )
        command = self._command(self._installation.installer, "--no-defaults", f"--datadir={draft}", *words)
        code, lines = await run(command, _INSTALL_DEADLINE_S)
        if code != 0:
            raise UserError(
                f"the data folder of {self.name} could not be made:\n" + "\n".join(f"  | {one}" for one in lines[-12:])
            )
        draft.rename(self._data)

    async def _start_process(self) -> Child:
        script = self._data.with_name("mysql.start.sql")
        try:
            self._write_script(script)
            settings = {**_SETTINGS, **await self._parameters(), **self._own_settings(script)}
            options = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
            child = await self._run_context.start_child(
                self.name, self._command(self._installation.server, "--no-defaults", *options)
            )
            await wait_until_running(self._run_context, self.name, child, self._greets, _START_DEADLINE_S)
            await self._check_master()
        finally:
            script.unlink(missing_ok=True)
        return child

    def _write_script(self, path: Path) -> None:
        secrets, database = self._run_context.secrets, self._database
        script = master_script(
            secrets.text(database.username),
            secrets.text(database.password),
            secrets.internal(f"{self.name}/rdsadmin"),
            database.db_name,
        )
        write_private(path, script.encode())
        give_to_nobody(path)

    def _own_settings(self, script: Path) -> dict[str, str]:
        pair, endpoint = self._pair, self._database.endpoint
        if pair is None:
            raise RuntimeError(f"{self.name} was started before it was prepared")
        settings = {
            "datadir": str(self._data),
            "socket": str(self._socket_path),
            "pid_file": str(self._data.with_name("mysql.pid")),
            "bind_address": endpoint.address,
            "port": str(endpoint.port),
            "ssl_cert": str(pair.certificate_file),
            "ssl_key": str(pair.key_file),
            "tls_version": "TLSv1.2,TLSv1.3",
            "require_secure_transport": "ON" if self._database.force_ssl else "OFF",
            "init_file": str(script),
        }
        if self._installation.kind == "MySQL":
            settings |= {"loose_mysqlx": "OFF", "disable_log_bin": "ON"}
        else:
            settings["aria_log_dir_path"] = _DATA_FOLDER
        return settings

    async def _parameters(self) -> dict[str, str]:
        """The parameter group's settings that this server can take; what is left out is said in its log."""
        command = self._command(self._installation.server, "--no-defaults", "--verbose", "--help")
        _code, described = await run(command, _CLIENT_DEADLINE_S)
        known = {match[1].replace("-", "_") for line in described if (match := _OPTION.match(line))}
        taken = {}
        for name, value in self._database.parameters.items():
            if "{" in value or name.startswith(_OURS) or name not in known:
                self._run_context.logs.write(self.name, f"[cachetwin] parameter {name}={value} is not applied here")
            elif value:
                taken[name] = value
        for name in _SETTINGS.keys() - known:
            taken.setdefault(f"loose_{name}", _SETTINGS[name])
        return taken

    async def _greets(self) -> bool:
        try:
            await self._greet()
        except OSError:
            return False
        return True

    async def _greet(self) -> None:
        """Return when the server sends its greeting. Raises OSError when it does not."""
        reader, writer = await asyncio.open_unix_connection(str(self._socket_path))
        try:
            if not await reader.read(1):
                raise OSError("the server closed the connection")
        finally:
            writer.close()

    async def _check_master(self) -> None:
        """Log in as the master user. Raises UserError where that fails: a line of the script has."""
        secrets, database = self._run_context.secrets, self._database
        words = ["--no-defaults", f"--socket={self._socket_path}", f"--user={secrets.text(database.username)}"]
        words += ["--batch", "--execute=SELECT 1", *([database.db_name] if database.db_name else [])]
        environment = {"MYSQL_PWD": secrets.text(database.password)}
        code, lines = await run(
            self._command(self._installation.client, *words, environment=environment), _CLIENT_DEADLINE_S
        )
        if code != 0:
            said = "".join(f"\n  | {line}" for line in lines[-3:])
            raise UserError(
                f"the master user of {self.name} could not be set up:{said}{tail_of(self._run_context, self.name)}"
            )

    @property
    def _socket_path(self) -> Path:
        return self._sockets / "mysql.sock"

    def _command(self, program: Path, *words: str, environment: dict[str, str] | None = None) -> Command:
        base = {"PATH": f"{os.defpath}:/usr/sbin", "LANG": "C.UTF-8", "HOME": str(self._run_context.directory)}
        return Command(
            argv=(str(program), *words),
            cwd=self._data.parent,
            environment={**base, **(environment or {})},
            drop_root=True,
        )


def _installation_for(engine: str) -> Installation:
    chosen = choose(installations(), engine)
    if chosen is None:
        raise UserError("the app has a MySQL database, but neither a MySQL nor a MariaDB server is installed here")
    return chosen
