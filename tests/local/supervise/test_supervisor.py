"""A whole run with real processes: up, status, logs, down, and every way it can end."""

import contextlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

TINY_APP = Path(__file__).with_name("tiny_app.py")
PORT = 8080
SERVICE = """
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/die":
            os._exit(3)
        body = f"{os.environ['NAME']} {len(os.environ['KEY'])} {self.headers['X-Forwarded-For']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
print("the key is", os.environ["KEY"], flush=True)
http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"""
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TERM": "dumb"}


@dataclass
class Run:
    """A supervisor in the foreground."""

    process: subprocess.Popen[str]
    folder: Path
    address: str
    output: list[str]

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / ".cachetwin" / "state.json").read_text())
        return found

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def wait_for(self, text: str) -> str:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.output.append(line)
            if text in line:
                return line
        pytest.fail(f"{text!r} was not said:\n{''.join(self.output)}")

    def end(self) -> int:
        assert self.process.stderr is not None
        self.output += self.process.stderr.readlines()
        return self.process.wait(30)


@contextmanager
def tiny(
    folder: Path, address: str, code: str = SERVICE, before: tuple[str, ...] = (), after: tuple[str, ...] = ()
) -> Iterator[Run]:
    words = [*before, sys.executable, str(TINY_APP), str(folder), address, str(PORT), code, *after]
    process = subprocess.Popen(words, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with process:
        run = Run(process, folder, address, [])
        try:
            yield run
        finally:
            if process.poll() is None:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(20)
                process.kill()


def cachetwin(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cachetwin_local", "-C", str(folder), *words]
    return subprocess.run(
        command, env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
    )


def get(address: str, path: str = "/") -> str:
    with urllib.request.urlopen(f"http://{address}:{PORT}{path}", timeout=10) as answer:
        return str(answer.read().decode())


def gone(processes: list[psutil.Process]) -> bool:
    return eventually(lambda: not any(runs(process) for process in processes))


def runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def eventually(condition: Callable[[], bool], deadline_s: float = 15) -> bool:
    end = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def test_up_answers_says_where_and_ctrl_c_leaves_nothing(tmp_path: Path, address: str) -> None:
    with tiny(tmp_path, address) as run:
        run.wait_for("ready in")
        assert get(address) == "tiny 32 127.0.0.1"
        children = run.children()
        assert children
        for name in ("state.json", "secrets.json"):
            assert stat.S_IMODE((tmp_path / ".cachetwin" / name).stat().st_mode) == 0o600
        assert stat.S_IMODE(Path(run.state()["control_socket"]).stat().st_mode) == 0o600
        run.process.send_signal(signal.SIGINT)
        assert run.end() == 0
        assert f"http://{address}:{PORT}/" in run.process.stdout.read()  # type: ignore[union-attr]
        assert gone(children)
        assert not (tmp_path / ".cachetwin" / "state.json").exists()


def test_status_logs_and_down_reach_the_running_supervisor(tmp_path: Path, address: str) -> None:
    with tiny(tmp_path, address) as run:
        run.wait_for("ready in")
        status = json.loads(cachetwin(tmp_path, "status", "--json").stdout)
        assert {resource["state"] for resource in status["resources"]} == {"ready"}
        assert status["endpoints"][0]["endpoint"] == f"http://{address}:{PORT}/"
        logs = cachetwin(tmp_path, "logs", "service").stdout
        assert "the key is ********" in logs
        assert cachetwin(tmp_path, "logs", "nothing-of-that-name").stdout == ""
        second = cachetwin(tmp_path, "up", "--no-synth")
        assert second.returncode == 1
        assert f"already up (pid {run.process.pid})" in second.stderr
        refused = cachetwin(tmp_path, "reset", "--yes")
        assert "cachetwin down" in refused.stderr
        down = cachetwin(tmp_path, "down")
        assert down.returncode == 0, down.stderr
        assert run.end() == 0
    assert json.loads(cachetwin(tmp_path, "status", "--json").stdout) == {"running": False}
    assert "the key is ********" in cachetwin(tmp_path, "logs").stdout
    asked = cachetwin(tmp_path, "reset")
    assert asked.returncode == 1
    assert "there is no terminal: use --yes" in asked.stderr
    assert cachetwin(tmp_path, "reset", "--yes").returncode == 0
    assert not (tmp_path / ".cachetwin").exists()


def test_no_file_holds_a_secret_but_the_secrets_file(tmp_path: Path, address: str) -> None:
    with tiny(tmp_path, address) as run:
        run.wait_for("ready in")
        secrets = json.loads((tmp_path / ".cachetwin" / "secrets.json").read_text())["secrets"]
        value = secrets["Tiny/Key"]["password"]
        forms = [value.encode(), json.dumps(value)[1:-1].encode()]
        files = [path for path in tmp_path.rglob("*") if path.is_file() and "venvs" not in path.parts]
        assert [path.name for path in files if any(form in path.read_bytes() for form in forms)] == ["secrets.json"]
        assert not any(value in " ".join(child.cmdline()) for child in run.children())


def test_a_service_that_exits_at_its_start_shows_its_last_lines_and_stops_everything(
    tmp_path: Path, address: str
) -> None:
    with tiny(tmp_path, address, "import sys; print('no such table'); sys.exit(3)") as run:
        assert run.end() == 1
        output = "".join(run.output)
        assert "Tiny/Service/1 exited with code 3 while starting; its last lines:\n  | no such table" in output
        assert not (tmp_path / ".cachetwin" / "state.json").exists()


def test_a_service_that_dies_later_is_started_again_and_its_clients_hear_502_or_503(
    tmp_path: Path, address: str
) -> None:
    with tiny(tmp_path, address) as run:
        run.wait_for("ready in")
        with pytest.raises(urllib.error.HTTPError) as died:
            get(address, "/die")
        died.value.close()
        assert died.value.code == 502
        run.wait_for("restarting")
        run.wait_for("restarted")
        assert eventually(lambda: answers(address))


def answers(address: str) -> bool:
    try:
        return get(address) == "tiny 32 127.0.0.1"
    except urllib.error.HTTPError as error:
        error.close()
        return False
    except OSError:  # the load balancer is being started again
        return False


def test_a_taken_port_stops_the_start_before_anything_runs(tmp_path: Path, address: str) -> None:
    with socket.create_server((address, PORT)), tiny(tmp_path, address) as run:
        assert run.end() == 1
        assert f"port {PORT} on {address}, needed by Tiny/Frontend" in run.output[-1]
        assert f"(pid {os.getpid()})" in run.output[-1]


def test_a_killed_supervisor_leaves_no_child_and_the_next_command_says_so(tmp_path: Path, address: str) -> None:
    with tiny(tmp_path, address) as run:
        run.wait_for("ready in")
        children = run.children()
        run.process.kill()
        run.process.wait(10)
        assert gone(children)
    status = cachetwin(tmp_path, "status")
    assert status.returncode == 3
    assert f"the last run (pid {run.process.pid}) was killed" in status.stderr
    with tiny(tmp_path, address) as again:
        again.wait_for("ready in")
        assert get(address)


def test_a_second_signal_kills_a_service_that_will_not_stop(tmp_path: Path, address: str) -> None:
    stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SERVICE
    with tiny(tmp_path, address, stubborn) as run:
        run.wait_for("ready in")
        children = run.children()
        run.process.send_signal(signal.SIGINT)
        run.wait_for("stopping   service")
        run.process.send_signal(signal.SIGINT)
        assert run.end() == 0
        assert gone(children)


def test_a_signal_during_the_start_stops_it(tmp_path: Path, address: str) -> None:
    with tiny(tmp_path, address, "print('up', flush=True)\nimport time\ntime.sleep(99)") as run:
        run.wait_for("starting   service")
        run.process.send_signal(signal.SIGTERM)
        assert run.end() == 0
        assert not (tmp_path / ".cachetwin" / "state.json").exists()


def test_damaged_and_deleted_files_do_not_hide_a_running_supervisor(tmp_path: Path, address: str) -> None:
    with tiny(tmp_path, address) as run:
        run.wait_for("ready in")
        (tmp_path / ".cachetwin" / "state.json").write_text("{")
        (tmp_path / ".cachetwin" / "lock").unlink()
        assert json.loads(cachetwin(tmp_path, "status", "--json").stdout)["pid"] == run.process.pid
        refused = cachetwin(tmp_path, "reset", "--yes")
        assert "cachetwin down" in refused.stderr
        assert (tmp_path / ".cachetwin" / "secrets.json").exists()
        second = cachetwin(tmp_path, "up", "--no-synth")
        assert (second.returncode, "already up" in second.stderr) == (1, True)
        down = cachetwin(tmp_path, "down")
        assert down.returncode == 0, down.stderr
        assert run.end() == 0


def test_a_service_is_started_again_after_its_log_was_deleted(tmp_path: Path, address: str) -> None:
    with tiny(tmp_path, address) as run:
        run.wait_for("ready in")
        shutil.rmtree(tmp_path / ".cachetwin" / "logs")
        with contextlib.suppress(urllib.error.HTTPError):
            get(address, "/die")
        run.wait_for("restarted")
        assert eventually(lambda: answers(address))
        assert eventually((tmp_path / ".cachetwin" / "logs" / "Tiny.Service.1.log").exists)


def test_logs_name_the_task_and_refuse_an_unknown_name(tmp_path: Path, address: str) -> None:
    with tiny(tmp_path, address) as run:
        run.wait_for("ready in")
        get(address)
        shown = cachetwin(tmp_path, "logs", "--json", "service/1")
        assert {json.loads(line)["name"] for line in shown.stdout.splitlines()} <= {"Tiny/Service/1"}
        unknown = cachetwin(tmp_path, "logs", "Servise")
        assert unknown.returncode == 1
        assert unknown.stderr.startswith("cachetwin: NAME must be one of ")
        assert unknown.stderr.endswith("got Servise; did you mean Service?\n")


def test_restart_starts_the_tasks_of_a_service_again(tmp_path: Path, address: str) -> None:
    with tiny(tmp_path, address) as run:
        run.wait_for("ready in")
        before = {process.pid for process in run.children()}
        done = cachetwin(tmp_path, "restart", "Service")
        assert (done.returncode, done.stderr) == (0, "Tiny/Service: 1 task started again\n")
        assert get(address) == "tiny 32 127.0.0.1"
        assert len({process.pid for process in run.children()} - before) == 1
        unknown = cachetwin(tmp_path, "restart", "Servise")
        assert "Servise is no service that runs here" in unknown.stderr
        assert "did you mean Service?" in unknown.stderr


def test_a_shell_has_the_folder_and_the_variables_of_a_task(tmp_path: Path, address: str) -> None:
    with tiny(tmp_path, address) as run:
        run.wait_for("ready in")
        shown = cachetwin(
            tmp_path, "shell", "Service", "--", "/bin/sh", "-c", "pwd; echo $HOST; echo $AWS_EXECUTION_ENV"
        )
        folder, host, environment = shown.stdout.splitlines()
        assert folder.startswith(str(tmp_path / ".cachetwin" / "tasks" / "Tiny.Service" / "1"))
        assert (host.startswith("127."), environment) == (True, "AWS_ECS_FARGATE")
        missing = cachetwin(tmp_path, "shell", "Service", "--task", "9")
        assert "must have a task of that number, 1 to 1, got 9" in missing.stderr


def test_many_clients_are_served_where_the_soft_limit_on_open_files_is_low(tmp_path: Path, address: str) -> None:
    limited = ("/bin/sh", "-c", 'ulimit -Sn 64 && exec "$@"', "sh")
    with tiny(tmp_path, address, before=limited) as run:
        run.wait_for("ready in")
        with contextlib.ExitStack() as clients:
            for _ in range(120):
                clients.enter_context(socket.create_connection((address, PORT), timeout=10))
            assert get(address) == "tiny 32 127.0.0.1"


def test_status_exits_with_0_1_or_3_and_knows_a_service_that_hangs(tmp_path: Path, address: str) -> None:
    (tmp_path / "grace").touch()
    with tiny(tmp_path, address) as run:
        run.wait_for("ready in")
        assert cachetwin(tmp_path, "status").returncode == 0
        service = psutil.Process(run.state()["children"]["Tiny/Service/web/1"]["pid"])
        service.suspend()
        run.wait_for("0 of 1 targets healthy")
        hung = cachetwin(tmp_path, "status", "--json")
        states = {resource["name"]: resource["state"] for resource in json.loads(hung.stdout)["resources"]}
        assert (hung.returncode, states["Tiny/Frontend"]) == (1, "unhealthy")
        service.resume()
        run.wait_for("1 of 1 targets healthy")
        again = cachetwin(tmp_path, "status", "--json")
        assert again.returncode == 0
        assert {part["name"] for part in json.loads(again.stdout)["parts"]} >= {"Tiny/Service/1", "targets"}
    assert cachetwin(tmp_path, "status", "--json").returncode == 3


def test_commands_do_not_wait_for_ever_for_a_supervisor_that_hangs(tmp_path: Path, address: str) -> None:
    with tiny(tmp_path, address) as run:
        run.wait_for("ready in")
        run.process.send_signal(signal.SIGSTOP)
        try:
            for words in (["status"], ["logs"], ["logs", "--follow"]):
                began = time.monotonic()
                found = cachetwin(tmp_path, *words)
                assert found.returncode == 1
                assert f"the supervisor (pid {run.process.pid}) did not answer within 5 s: it hangs" in found.stderr
                assert time.monotonic() - began < 20
        finally:
            run.process.send_signal(signal.SIGCONT)


def test_a_start_that_takes_longer_than_its_timeout_stops_everything(tmp_path: Path, address: str) -> None:
    with tiny(tmp_path, address, "import time\ntime.sleep(99)", after=("4",)) as run:
        assert run.end() == 1
        assert "not everything was ready within 4 s: Tiny/Service (starting)" in run.output[-1]
        assert not (tmp_path / ".cachetwin" / "state.json").exists()


def test_logs_are_written_as_json_lines(tmp_path: Path, address: str) -> None:
    with tiny(tmp_path, address) as run:
        run.wait_for("ready in")
        lines = [json.loads(line) for line in cachetwin(tmp_path, "logs", "--json", "service").stdout.splitlines()]
    assert {"name": "Tiny/Service/1", "line": "the key is ********"} in lines
