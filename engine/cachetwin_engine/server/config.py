"""The command line and the configuration file, in Valkey's grammar: ``--name value...`` and ``name value...`` a line.

What concerns sockets, TLS and logs is taken here; every other directive is a parameter of the engine, which knows the
names its profile has and checks the values. This module only turns words into ``Options``; it opens nothing but the
files that it is given.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from cachetwin_engine.core.config.profile import DEFAULT_PROFILE, PROFILES
from cachetwin_engine.core.protocol.resp import split_words
from cachetwin_engine.server.logs import LEVELS, LogFormat
from cachetwin_engine.server.tls.contexts import TlsMode

LOG_FORMATS: Final = ("json", "text", "legacy", "logfmt")
CLIENT_AUTH: Final = ("no", "optional", "yes")
INCLUDE_DEPTH_MAX: Final = 10


class OptionError(Exception):
    """A command line or file that cannot be used; the message is one line that names the directive."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line and the configuration file ask for.

    ``port`` is None when neither named one: 6379 then, or no port of its own under ``--control-fd``. ``parameters`` are
    the engine's parameters in the order given, values joined by blanks.
    """

    profile: str = DEFAULT_PROFILE
    elasticache: bool = False
    serverless: bool = False
    serverless_ecpu_max: int = 0
    bind: tuple[str, ...] = ("127.0.0.1",)
    port: int | None = None
    tls_port: int = 0
    tls_cert_file: str = ""
    tls_key_file: str = ""
    tls_key_file_pass: str = ""
    tls_ca_cert_file: str = ""
    tls_auth_clients: str = "no"
    tls_protocols: str = ""
    unixsocket: str = ""
    unixsocketperm: int | None = None
    tcp_backlog: int = 511
    control_fd: int | None = None
    cluster_topology: str = ""
    log_format: LogFormat = "text"
    loglevel: str = "notice"
    logfile: str = ""
    config_file: str = ""
    renames: str = ""
    users: tuple[tuple[str, tuple[str, ...]], ...] = field(default=(), repr=False)
    parameters: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @property
    def plain_port(self) -> int:
        """The port for plain TCP; 0 is none."""
        if self.port is not None:
            return self.port
        return 6379 if self.control_fd is None else 0


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive that the server takes for itself: how its words become ``Options``."""

    name: str
    words: str
    summary: str
    apply: Callable[[Options, list[str]], Options]


def _changed(options: Options, attribute: str, value: object) -> Options:
    """``options`` with one attribute replaced; the directive's own check has made sure of the type."""
    changes: dict[str, Any] = {attribute: value}
    return replace(options, **changes)


def _one(name: str, words: list[str]) -> str:
    if len(words) != 1:
        raise OptionError(f"{name} takes one value, got {len(words)}")
    return words[0]


def _text(name: str) -> Callable[[Options, list[str]], Options]:
    attribute = name.replace("-", "_")
    return lambda options, words: _changed(options, attribute, _one(name, words))


def _choice(name: str, allowed: Iterable[str]) -> Callable[[Options, list[str]], Options]:
    attribute = name.replace("-", "_")

    def apply(options: Options, words: list[str]) -> Options:
        value = _one(name, words).lower()
        if value not in allowed:
            raise OptionError(f"{name} must be one of {', '.join(allowed)}, got {words[0]!r}{_nearest(value, allowed)}")
        return _changed(options, attribute, value)

    return apply


def _number(name: str, highest: int, *, base: int = 10) -> Callable[[Options, list[str]], Options]:
    attribute = name.replace("-", "_")

    def apply(options: Options, words: list[str]) -> Options:
        text = _one(name, words)
        try:
            value = int(text, base)
        except ValueError:
            value = -1
        if not 0 <= value <= highest:
            shown = f"{highest:o} (octal)" if base == 8 else str(highest)
            raise OptionError(f"{name} must be a number from 0 to {shown}, got {text!r}")
        return _changed(options, attribute, value)

    return apply


def _yes_no(name: str) -> Callable[[Options, list[str]], Options]:
    def apply(options: Options, words: list[str]) -> Options:
        value = _one(name, words or ["yes"]).lower()
        if value not in {"yes", "no"}:
            raise OptionError(f"{name} must be yes or no, got {words[0]!r}")
        return _changed(options, name, value == "yes")

    return apply


def _bind(options: Options, words: list[str]) -> Options:
    if not words:
        raise OptionError("bind takes one or more addresses, got none")
    return replace(options, bind=tuple(words))


def _foreground(options: Options, words: list[str]) -> Options:
    if _one("daemonize", words).lower() != "no":
        raise OptionError(
            f"daemonize must be no (the engine stays in the foreground; its starter keeps it), got {words[0]!r}"
        )
    return options


DIRECTIVES: Final[dict[str, Directive]] = {
    directive.name: directive
    for directive in (
        Directive(
            "profile",
            "NAME",
            f"engine family and version: {', '.join(PROFILES)} (default {DEFAULT_PROFILE})",
            _choice("profile", PROFILES),
        ),
        Directive(
            "elasticache",
            "[yes|no]",
            "answer as ElastiCache does: restricted commands, closed CONFIG",
            _yes_no("elasticache"),
        ),
        Directive(
            "serverless",
            "[yes|no]",
            "answer as ElastiCache Serverless does: more commands are closed, processing units are counted",
            _yes_no("serverless"),
        ),
        Directive(
            "serverless-ecpu-max",
            "N",
            "with --serverless, the processing units (ECPU) that commands may use in a second (default 0, no limit)",
            _number("serverless-ecpu-max", 15_000_000),
        ),
        Directive(
            "bind",
            "ADDRESS...",
            "addresses to listen on (default 127.0.0.1); one with a leading - may be absent",
            _bind,
        ),
        Directive(
            "port", "PORT", "port for plain TCP, 0 for none (default 6379; 0 with --control-fd)", _number("port", 65535)
        ),
        Directive(
            "tls-port", "PORT", "port for TLS; the same number as --port serves both on it", _number("tls-port", 65535)
        ),
        Directive("tls-cert-file", "FILE", "certificate chain, PEM; read again on SIGHUP", _text("tls-cert-file")),
        Directive("tls-key-file", "FILE", "private key of the certificate, PEM", _text("tls-key-file")),
        Directive(
            "tls-key-file-pass",
            "TEXT",
            "passphrase of the key; put it in CONFIG_FILE, not on the command line",
            _text("tls-key-file-pass"),
        ),
        Directive(
            "tls-ca-cert-file", "FILE", "CA whose client certificates are accepted, PEM", _text("tls-ca-cert-file")
        ),
        Directive(
            "tls-auth-clients",
            "no|optional|yes",
            "ask clients for a certificate (default no, as ElastiCache)",
            _choice("tls-auth-clients", CLIENT_AUTH),
        ),
        Directive(
            "tls-protocols", '"TLSv1.2 TLSv1.3"', "versions of TLS to speak (default both)", _text("tls-protocols")
        ),
        Directive("unixsocket", "PATH", "listen on a Unix socket too", _text("unixsocket")),
        Directive(
            "unixsocketperm", "MODE", "permissions of the Unix socket, octal", _number("unixsocketperm", 0o777, base=8)
        ),
        Directive(
            "tcp-backlog",
            "COUNT",
            "connections the kernel keeps until they are accepted (default 511)",
            _number("tcp-backlog", 65535),
        ),
        Directive(
            "control-fd",
            "FD",
            "take listeners, users, parameters and certificates from a supervisor",
            _number("control-fd", 1 << 20),
        ),
        Directive(
            "cluster-topology",
            "FILE",
            "the cluster that this node is part of, JSON; needs --cluster-enabled yes",
            _text("cluster-topology"),
        ),
        Directive(
            "log-format",
            "json|text|logfmt",
            "format of log lines (default text, Valkey's legacy format)",
            _choice("log-format", LOG_FORMATS),
        ),
        Directive(
            "loglevel",
            "LEVEL",
            f"lowest level that is logged: {', '.join(LEVELS)} (default notice)",
            _choice("loglevel", LEVELS),
        ),
        Directive("logfile", "FILE", "log to a file instead of stderr", _text("logfile")),
        Directive("daemonize", "no", "the engine always runs in the foreground", _foreground),
    )
}

Words = list[str]

MAY_BE_EMPTY: Final = frozenset({"save", "elasticache", "serverless"})
"""Directives that another one may follow at once: their value is then empty, or yes."""


def parse_arguments(arguments: Sequence[str]) -> Options:
    """The options of a command line: ``[CONFIG_FILE] [--name value...]...``; what comes later wins.

    Raises OptionError.
    """
    rest = list(arguments)
    config_file = rest.pop(0) if rest and not rest[0].startswith("--") else ""
    directives = read_file(config_file) if config_file else []
    directives += _on_command_line(rest, behind_file=bool(config_file))
    return replace(_collect(_included(directives)), config_file=config_file)


def _on_command_line(arguments: list[str], *, behind_file: bool) -> list[tuple[str, Words]]:
    """Directives as Valkey takes them: ``--name value...``, or both in one argument (``"--name value"``).

    The word after a name is its value even if it begins with dashes, but for those that may go without one. Behind a
    file the first name may lack its dashes: to Valkey it is one more line of that file.
    """
    directives: list[tuple[str, Words]] = []
    wants_value = False
    for at, word in enumerate(arguments):
        if word.startswith("--") and len(word) > 2 and not wants_value:
            name, *words = _words(word.encode(), "command line")
            directives.append((name[2:].lower(), words))
            following = arguments[at + 1] if at + 1 < len(arguments) else "--"
            may_be_empty = name[2:].lower() in MAY_BE_EMPTY and following.startswith("--")
            wants_value = not words and not may_be_empty
        elif not directives and behind_file:
            directives.append((word.lower(), []))
        elif not directives:
            raise OptionError(f"expected a directive like --port, got {word!r}")
        else:
            directives[-1][1].append(word)
            wants_value = False
    return directives


def _included(directives: list[tuple[str, Words]]) -> list[tuple[str, Words]]:
    """``--include FILE`` on the command line stands for the file's directives."""
    expanded: list[tuple[str, Words]] = []
    for name, words in directives:
        expanded.extend(read_file(_one(name, words)) if name == "include" else [(name, words)])
    return expanded


def read_file(path: str, depth: int = 0) -> list[tuple[str, Words]]:
    """The directives of a file in ``valkey.conf``'s format: one a line, ``#`` comments, quotes, ``include FILE``.

    Raises OptionError with the line's number.
    """
    try:
        lines = Path(path).read_bytes().splitlines()
    except OSError as error:
        raise OptionError(
            f"cannot read configuration file {path!r}: {(error.strerror or str(error)).lower()}"
        ) from None
    if depth > INCLUDE_DEPTH_MAX:
        raise OptionError(f"{path!r} is included more than {INCLUDE_DEPTH_MAX} files deep")
    directives: list[tuple[str, Words]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith(b"#"):
            continue
        words = _words(line, f"{path}, line {number}")
        if words[0].lower() == "include":
            directives.extend(read_file(_one("include", words[1:]), depth + 1))
        else:
            directives.append((words[0].lower(), words[1:]))
    return directives


def _words(line: bytes, where: str) -> Words:
    parts = split_words(line)
    if not parts:
        raise OptionError(f"{where}: a quote is not closed")
    try:
        return [part.decode() for part in parts]
    except UnicodeDecodeError:
        raise OptionError(f"{where}: not UTF-8") from None


def _collect(directives: list[tuple[str, Words]]) -> Options:
    options = Options()
    parameters: list[tuple[str, str]] = []
    users: list[tuple[str, tuple[str, ...]]] = []
    save_points: list[str] = []
    renames: list[str] = []
    for name, words in directives:
        directive = DIRECTIVES.get(name)
        if directive is not None:
            options = directive.apply(options, words)
        elif name == "save" and not words:
            save_points = []
            parameters.append((name, ""))
        elif not words:
            raise OptionError(f"{name} has no value{_nearest(name, DIRECTIVES)}")
        elif name == "rename-command":
            renames += _renamed(words)
        elif name == "user":
            users.append((words[0], tuple(words[1:])))
        elif name == "save":  # each line adds points, an empty one forgets those before it
            save_points = [*save_points, *words] if any(words) else []
            parameters.append((name, " ".join(save_points)))
        else:
            parameters.append((name, " ".join(words)))
    _check_tls(options)
    return replace(options, users=tuple(users), parameters=tuple(parameters), renames=" ".join(renames))


def _renamed(words: list[str]) -> list[str]:
    """``rename-command OLD NEW``; an empty name takes the command away."""
    if len(words) != 2:
        raise OptionError(f"rename-command takes a command and its new name, got {len(words)} words")
    return [words[0], words[1] or "blocked"]


def _check_tls(options: Options) -> None:
    if bool(options.tls_cert_file) != bool(options.tls_key_file):
        raise OptionError("tls-cert-file and tls-key-file go together, got only one of them")
    if options.tls_port and not options.tls_cert_file:
        raise OptionError("tls-port needs tls-cert-file and tls-key-file")


def unknown_directive(name: str, known: Iterable[str]) -> OptionError:
    """The error for a directive that neither the server nor the engine has, with the nearest one they do have."""
    return OptionError(f"unknown directive {name!r}{_nearest(name, [*DIRECTIVES, *known])}; see --help")


def _nearest(word: str, allowed: Iterable[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415  (8 ms that only a mistake should cost)

    matches = get_close_matches(word, list(allowed), n=1)
    return f"; did you mean {matches[0]}?" if matches else ""


def help_text(parameters: Iterable[str]) -> str:
    """What ``--help`` prints; ``parameters`` are the names of the engine's parameters."""
    width = max(len(f"--{entry.name} {entry.words}") for entry in DIRECTIVES.values()) + 2
    table = "\n".join(f"  {f'--{entry.name} {entry.words}':<{width}}{entry.summary}" for entry in DIRECTIVES.values())
    return HELP.format(table=table, parameters=_columns(sorted(parameters)))


def _columns(names: list[str], width: int = 110) -> str:
    from textwrap import fill  # noqa: PLC0415  (only --help needs it)

    return fill(", ".join(names), width=width, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


HELP: Final = """\
usage: cachetwin-engine [CONFIG_FILE] [--name value...]...

A cache server that speaks Valkey / Redis OSS on the wire and behaves like Amazon ElastiCache when asked to.

examples:
  cachetwin-engine                                        Valkey 8.1 on 127.0.0.1:6379
  cachetwin-engine --profile redis-7.1 --port 7000        Redis OSS 7.1 on another port
  cachetwin-engine cluster --shards 3 --replicas 1        a cluster on this machine (cluster --help)
  cachetwin-engine --maxmemory 100mb --maxmemory-policy allkeys-lru
  cachetwin-engine --port 0 --tls-port 6379 --tls-cert-file cert.pem --tls-key-file key.pem
  cachetwin-engine --port 6379 --tls-port 6379 --tls-cert-file cert.pem --tls-key-file key.pem
                                                          TLS and plain text on one port ("preferred")
  cachetwin-engine valkey.conf --loglevel verbose         a file in valkey.conf's format, then more

server:
{table}

signals: SIGTERM or SIGINT stop the server after the replies in flight, a second one at once; SIGHUP reads the
certificate again.

parameters of the engine, as --name value or one a line in CONFIG_FILE (CONFIG GET shows their values):
{parameters}
"""


def listening_modes(options: Options) -> list[tuple[int, TlsMode]]:
    """The TCP ports that the options ask for."""
    return tcp_modes(options.plain_port, options.tls_port)


def tcp_modes(plain: int, tls: int) -> list[tuple[int, TlsMode]]:
    """The TCP ports to open and what each one speaks; ``preferred`` where both are the same, 0 is none."""
    if plain and plain == tls:
        return [(plain, "preferred")]
    ports: list[tuple[int, TlsMode]] = [(plain, "off"), (tls, "required")]
    return [entry for entry in ports if entry[0]]
