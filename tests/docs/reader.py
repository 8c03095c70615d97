"""Does what a page says, block by block, as somebody who reads it would."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.docs.pages import ROOT, Block, ports
from tests.processes import accepts, free_ports, wait_until

RUN_S_MAX = 600  # one block; some seconds on a quiet machine
START_S_MAX = 30
STOP_S_MAX = 15
ROOM = 8  # free ports behind each of a page, for servers that take several


class Reader:
    """A folder and an environment in which the blocks of one page run; servers are stopped when it is left."""

    def __init__(self, page: Path, folder: Path) -> None:
        self.folder = folder
        self.output = ""
        self._exports = folder / ".exports"
        self._ports = {port: str(free_ports(ROOM)) for port in ports(page)}
        self._servers: list[subprocess.Popen[bytes]] = []
        home = folder / ".home"
        home.mkdir()
        self._environment = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "HOME": str(home),
            "PYTHONPATH": os.pathsep.join(
                path for path in sys.path if path.startswith(str(ROOT)) and "tests" not in path
            ),
            "COLUMNS": "120",
            "TERM": "dumb",
            "LC_ALL": "C.UTF-8",
        }
        cache = os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv"))
        self._environment["UV_CACHE_DIR"] = cache  # packages of a service, once for all pages
        for name in (
            "JSII_RUNTIME_PACKAGE_CACHE_ROOT",
            "SSL_CERT_FILE",
            "UV_INDEX_URL",
            "UV_DEFAULT_INDEX",
            "PIP_INDEX_URL",
            "UV_CONFIG_FILE",
            "PIP_CONFIG_FILE",
        ):
            if name in os.environ:
                self._environment[name] = os.environ[name]

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        for state in self.folder.glob("**/.cachetwin"):
            self._run(["cachetwin", "-C", str(state.parent), "down"])
        for server in self._servers:
            os.killpg(server.pid, signal.SIGTERM)
        for server in self._servers:
            try:
                server.wait(STOP_S_MAX)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait(STOP_S_MAX)

    def do(self, block: Block) -> None:
        """One block, by its mark; blocks that another test runs, or nobody, are passed over."""
        kind, _, rest = (block.check or "").partition(" ")
        text = self._with_ports(block.text)
        match kind.rstrip(","):
            case "run" if block.language == "console":
                self._console(block, text)
            case "run":
                self._script(block, text, int(rest.removeprefix("exit ") or 0))
            case "server":
                self._start(block, text, self._with_ports(rest))
            case "file":
                file = self.folder / rest
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            case "output":
                self._expect(block, text)

    def _with_ports(self, text: str) -> str:
        for port, replacement in self._ports.items():
            text = re.sub(rf"\b{port}\b", replacement, text)
        return text

    def _script(self, block: Block, text: str, status: int) -> None:
        if block.language == "python":
            done = self._run([sys.executable, "-c", text])
        else:
            done = self._run(["bash", "-c", self._shell(text)])
        self.output = done.stdout + done.stderr
        assert done.returncode == status, f"{block.where}: exit {done.returncode}\n{self.output}"

    def _console(self, block: Block, text: str) -> None:
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            lines = part.splitlines(keepends=True)
            count = 1
            while lines[count - 1].rstrip().endswith("\\"):
                count += 1
            done = self._run(["bash", "-c", self._shell("".join(lines[:count]))])
            self.output = done.stdout + done.stderr
            self._expect(block, "".join(lines[count:]))

    def _shell(self, text: str) -> str:
        """The block in the place and with the variables that the one before left."""
        exports = f"'{self._exports}'"
        return f"set -e\n[ -f {exports} ] && . {exports}\n{text}\n(export -p; echo cd \"'$PWD'\") > {exports}"

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=RUN_S_MAX,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def _start(self, block: Block, text: str, port: str) -> None:
        log = self.folder / f".server-{port}.log"
        with log.open("wb") as out:
            server = subprocess.Popen(
                ["bash", "-c", f"set -e\n[ -f '{self._exports}' ] && . '{self._exports}'\n{text}"],
                cwd=self.folder,
                env=self._environment,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._servers.append(server)
        wait_until(
            lambda: accepts(int(port)) or server.poll() is not None,
            f"{block.where}: port {port}",
            timeout_s=START_S_MAX,
        )
        self.output = log.read_text(errors="replace")
        if server.poll() is not None:
            pytest.fail(f"{block.where}: the server ended\n{self.output}")

    def _expect(self, block: Block, text: str) -> None:
        lines = [_bare(line) for line in text.splitlines() if line.strip()]
        pattern = "".join(
            "(?s:.*?)" if line == "..." else re.sub(r"(\\ )?(\\\.){3}(\\ )?", ".*?", re.escape(line)) + r"\s*\n\s*"
            for line in lines
        )
        output = "".join(f"{_bare(line)}\n" for line in self.output.splitlines())
        assert re.search(pattern, output), f"{block.where}: expected\n{text}\ngot\n{self.output}"


def _bare(line: str) -> str:
    """A line without a table's borders and with single blanks."""
    return " ".join(re.sub("[│┃]", " ", line).split())
