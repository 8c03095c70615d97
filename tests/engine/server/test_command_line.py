"""The command line and the configuration file: what they accept, and what they say when they do not."""

import json
import logging
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cachetwin_engine.server.config import OptionError, Options, listening_modes, parse_arguments
from cachetwin_engine.server.logs import LogfmtFormatter

if TYPE_CHECKING:
    from tests.engine.conftest import StartEngine


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cachetwin_engine", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_help_explains_itself_with_examples() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert "examples:" in done.stdout
    assert "--tls-cert-file FILE" in done.stdout
    assert "maxmemory-policy" in done.stdout


def test_version_names_the_build() -> None:
    done = run("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("cachetwin-engine ")
    assert "compiled core" in done.stdout or "pure core" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--maxmemry", "1mb"], "unknown directive 'maxmemry'; did you mean maxmemory?"),
        (["--tls-cert-fil", "x"], "did you mean tls-cert-file?"),
        (["--profile", "valky-8.1"], "got 'valky-8.1'; did you mean valkey-8.1?"),
        (["--port", "many"], "port must be a number from 0 to 65535, got 'many'"),
        (["--port"], "port takes one value, got 0"),
        (["--maxmemory-policy", "none"], "maxmemory-policy: argument(s) must be one of"),
        (["--maxmemory"], "maxmemory has no value"),
        (["--loglevel", "loud"], "loglevel must be one of debug, verbose, notice, warning, nothing"),
        (["--tls-port", "6380"], "tls-port needs tls-cert-file and tls-key-file"),
        (["--tls-cert-file", "c"], "tls-cert-file and tls-key-file go together"),
        (["--port", "0", "--tls-port", "1", "--tls-cert-file", "c", "--tls-key-file", "k"], "certificate 'c'"),
        (["--control-fd", "99"], "control-fd must be an open Unix stream socket, got 99"),
        (["--daemonize", "yes"], "daemonize must be no"),
        (["--user", "bob", "+nosuchcommand"], "+nosuchcommand"),
        (["--logfile", "/nowhere/at/all.log"], "cannot write logfile '/nowhere/at/all.log'"),
        (["--bind", "192.0.2.1"], "cannot listen on 192.0.2.1"),
        (["--bind", "no.such.host.invalid"], "cannot listen on no.such.host.invalid"),
        (["--bind", "127.0.0.1", ""], "bind must be addresses, got an empty one"),
        (["nowhere.conf"], "cannot read configuration file 'nowhere.conf'"),
        (["--unixsocket", "/nowhere/at/all.sock", "--port", "0"], "unix socket '/nowhere/at/all.sock'"),
    ],
)
def test_a_bad_command_line_gets_one_line_and_exit_code_1(arguments: list[str], complaint: str) -> None:
    done = run(*arguments)
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("cachetwin-engine: ")
    assert complaint in line


def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("--port", str(port))
    assert done.returncode == 1
    assert f"127.0.0.1 port {port}: address already in use" in done.stderr


def test_the_default_is_valkey_on_loopback() -> None:
    options = parse_arguments([])
    assert options == Options()
    assert options.bind == ("127.0.0.1",)
    assert options.profile == "valkey-8.1"
    assert listening_modes(options) == [(6379, "off")]


def test_a_supervised_node_opens_no_port_unless_told() -> None:
    assert listening_modes(parse_arguments(["--control-fd", "3"])) == []
    assert listening_modes(parse_arguments(["--control-fd", "3", "--port", "7000"])) == [(7000, "off")]


def test_one_number_for_both_ports_means_both_protocols_on_it() -> None:
    files = ["--tls-cert-file", "c", "--tls-key-file", "k"]
    assert listening_modes(parse_arguments(["--port", "7000", "--tls-port", "7000", *files])) == [(7000, "preferred")]
    modes = listening_modes(parse_arguments(["--port", "7000", "--tls-port", "7001", *files]))
    assert modes == [(7000, "off"), (7001, "required")]


def test_a_file_in_valkeys_format_is_read_and_the_command_line_wins(tmp_path: Path) -> None:
    (tmp_path / "more.conf").write_text("maxmemory-policy allkeys-lru\n")
    path = tmp_path / "valkey.conf"
    path.write_text(
        "# a comment\n\nport 7000\nbind 127.0.0.1 -::1\nsave 3600 1\nsave 300 100\n"
        f'requirepass "pass word"\nuser alice on >secret ~* +@all\ninclude {tmp_path / "more.conf"}\nMaxMemory 1mb\n'
    )
    options = parse_arguments([str(path), "--port", "7001", "--elasticache"])
    assert options.port == 7001
    assert options.elasticache
    assert options.bind == ("127.0.0.1", "-::1")
    assert options.config_file == str(path)
    assert options.users == (("alice", ("on", ">secret", "~*", "+@all")),)
    assert dict(options.parameters) == {
        "save": "3600 1 300 100",
        "requirepass": "pass word",
        "maxmemory-policy": "allkeys-lru",
        "maxmemory": "1mb",
    }
    assert "secret" not in repr(options)
    assert "pass word" not in repr(options)


def test_a_file_may_be_included_from_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "more.conf").write_text("maxmemory 1mb\nport 7000\n")
    options = parse_arguments(["--port", "7001", "--include", str(tmp_path / "more.conf"), "--maxmemory", "2mb"])
    assert options.port == 7000
    assert dict(options.parameters) == {"maxmemory": "2mb"}


def test_an_empty_save_forgets_the_points_before_it() -> None:
    assert dict(parse_arguments(["--save", "60", "1", "--save", ""]).parameters)["save"] == ""


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b'port 7000\nrequirepass "open\n', "line 2: a quote is not closed"),
        (b"requirepass \xff\xfe\n", "line 1: not UTF-8"),
        (b"include %b\n", "files deep"),
    ],
)
def test_a_bad_line_is_named_by_its_number(tmp_path: Path, text: bytes, complaint: str) -> None:
    path = tmp_path / "valkey.conf"
    path.write_bytes(text.replace(b"%b", str(path).encode()))
    with pytest.raises(OptionError, match=complaint):
        parse_arguments([str(path)])


def test_requirepass_and_users_hold_from_the_first_connection(start_engine: "StartEngine", tmp_path: Path) -> None:
    path = tmp_path / "engine.conf"
    path.write_text("requirepass open-sesame\nuser alice on >wonderland ~* +@all\n")
    engine = start_engine(str(path))
    with engine.connect() as sock:
        sock.sendall(b"PING\r\n")
        assert sock.recv(100).startswith(b"-NOAUTH")
        sock.sendall(b"AUTH open-sesame\r\n")
        assert sock.recv(100) == b"+OK\r\n"
        sock.sendall(b"AUTH alice wonderland\r\n")
        assert sock.recv(100) == b"+OK\r\n"
    assert "wonderland" not in json.dumps(engine.log)


def test_a_log_line_is_json_and_never_holds_a_value(start_engine: "StartEngine") -> None:
    engine = start_engine()
    with engine.connect() as sock:
        sock.sendall(b"*3\r\n$3\r\nSET\r\n$6\r\nmy-key\r\n$9\r\nmy-secret\r\n*1\r\n+x\r\n")
        assert sock.recv(5) == b"+OK\r\n"
    engine.stop()
    assert all({"time", "level", "message"} <= line.keys() for line in engine.log)
    assert "my-secret" not in json.dumps(engine.log)


def test_the_log_may_go_to_a_file_as_text(tmp_path: Path) -> None:
    logfile = tmp_path / "engine.log"
    ours, theirs = socket.socketpair()
    with ours, theirs:
        arguments = ["--control-fd", str(theirs.fileno()), "--logfile", str(logfile)]
        process = subprocess.Popen([sys.executable, "-m", "cachetwin_engine", *arguments], pass_fds=(theirs.fileno(),))
        ours.settimeout(20)
        assert b'"ready"' in ours.recv(4096)
    assert process.wait(20) == 0
    assert "notice Ready to accept connections (" in logfile.read_text()


def test_a_line_of_the_log_may_be_logfmt() -> None:
    record = logging.makeLogRecord(
        {"msg": 'say "it"', "levelno": logging.INFO, "created": 0.0, "fields": {"client": 7}}
    )
    line = 'timestamp="1970-01-01T00:00:00.000Z" level=notice message="say \\"it\\"" client="7"'
    assert LogfmtFormatter().format(record) == line
    assert parse_arguments(["--log-format", "legacy"]).log_format == "legacy"


@pytest.mark.parametrize(
    ("arguments", "parameters"),
    [
        (["--maxmemory 700mb", "--syslog-ident 'a b'"], {"maxmemory": "700mb", "syslog-ident": "a b"}),
        (["--proc-title-template", "--mine", "--hz", "20"], {"proc-title-template": "--mine", "hz": "20"}),
        (["--save", "--hz", "20"], {"save": "", "hz": "20"}),
        (["--hz", "20", "--save"], {"save": "", "hz": "20"}),
        (["--save", "100", "100", "--save", "60 1"], {"save": "100 100 60 1"}),
        (["--shutdown-on-sigint", "nosave", "force", "now"], {"shutdown-on-sigint": "nosave force now"}),
    ],
)  # fmt: skip
def test_values_are_taken_as_valkey_takes_them(arguments: list[str], parameters: dict[str, str]) -> None:
    assert dict(parse_arguments(arguments).parameters) == parameters


def test_a_switch_may_go_without_a_value() -> None:
    assert parse_arguments(["--elasticache", "--port", "7000"]) == Options(elasticache=True, port=7000)


def test_behind_a_file_the_first_name_may_lack_its_dashes(tmp_path: Path) -> None:
    file = tmp_path / "engine.conf"
    file.write_text("port 7000\n")
    options = parse_arguments([str(file), "loglevel", "verbose", "--port 7001"])
    assert (options.loglevel, options.port) == ("verbose", 7001)


@pytest.mark.parametrize("word", ["--help", "--version"])
def test_help_and_version_may_follow_other_directives(word: str) -> None:
    first, after = (run(*words) for words in ((word,), ("--bind", "127.0.0.1", "--save", "", word)))
    assert after.returncode == 0
    assert after.stdout == first.stdout
