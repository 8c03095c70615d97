"""memcached's command line: its short and long options, beside those that every profile has.

``cachetwin-engine --profile memcached-1.6 -m 128 -p 11211``, or the same program under the name ``memcached``. What
memcached has and this engine cannot do is refused, or accepted where nobody would see a difference.
"""

import getopt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from cachetwin_engine.memcached.settings import ITEM_BYTES_MAX, ITEM_BYTES_MIN, MEGABYTE, Settings
from cachetwin_engine.server.config import LOG_FORMATS, OptionError
from cachetwin_engine.server.logs import LEVELS, LogFormat
from cachetwin_engine.server.memcached.suboptions import apply_suboptions
from cachetwin_engine.server.tls.contexts import TlsFiles, TlsMode

PROFILES: Final[dict[str, str]] = {"memcached-1.6": "1.6.22", "memcached-1.6.45": "1.6.45"}
"""The version that each profile reports: the newest that ElastiCache has, and the newest of memcached."""

SHORT: Final = "a:Ap:s:U:m:Mc:khiVrvdl:u:P:f:n:t:D:LR:Cb:B:I:SFXWY:e:o:N:Z"
LONG: Final[dict[str, str]] = {
    "unix-mask=": "a", "enable-shutdown": "A", "enable-ssl": "Z", "port=": "p", "unix-socket=": "s", "udp-port=": "U",
    "memory-limit=": "m", "disable-evictions": "M", "conn-limit=": "c", "lock-memory": "k", "help": "h", "license": "i",
    "version": "V", "enable-coredumps": "r", "verbose": "v", "daemon": "d", "listen=": "l", "user=": "u", "pidfile=": "P",
    "slab-growth-factor=": "f", "slab-min-size=": "n", "threads=": "t", "enable-largepages": "L",
    "max-reqs-per-event=": "R", "disable-cas": "C", "listen-backlog=": "b", "protocol=": "B", "max-item-size=": "I",
    "enable-sasl": "S", "disable-flush-all": "F", "disable-dumping": "X", "disable-watch": "W", "auth-file=": "Y",
    "memory-file=": "e", "extended=": "o", "napi-ids=": "N",
}  # fmt: skip
OF_VALKEY: Final = frozenset({"protected-mode", "dir", "save"})
"""What the entry point of the container image says to every profile; it means nothing here."""

OURS: Final = (
    "profile=", "elasticache=", "serverless=", "control-fd=", "log-format=", "loglevel=", "logfile=", "cluster-nodes=",
    "enable-debug-commands", "bind=", "protected-mode=", "dir=", "save=",
)  # fmt: skip
UNITS: Final = {"k": 1024, "m": MEGABYTE}
PROTOCOLS: Final = {"auto": b"auto-negotiate", "ascii": b"ascii", "binary": b"binary"}
TLS_PROTOCOLS: Final = ("TLSv1.2", "TLSv1.3")


@dataclass(slots=True)
class MemcachedOptions:
    """What the command line asks for."""

    settings: Settings = field(default_factory=Settings)
    addresses: list[str] = field(default_factory=list)  # of each -l
    bound: list[str] = field(default_factory=list)  # of the last --bind, where there is no -l
    port: int = 11211
    port_given: bool = False
    control_fd: int | None = None
    user: str = ""
    pid_file: str = ""
    daemon: bool = False
    shows: str = ""  # "help" or "version"
    log_format: LogFormat = "text"
    loglevel: str = "notice"
    logfile: str = ""
    cluster_nodes: list[str] = field(default_factory=list)

    def listeners(self) -> list[tuple[str, int, TlsMode]]:
        """Address, port and TLS mode of each socket to open: none where there is a Unix socket."""
        if self.settings.socket_path or (self.control_fd is not None and not self.port_given):
            return []
        mode: TlsMode = "required" if self.settings.ssl_enabled else "off"
        found: list[tuple[str, int, TlsMode]] = []
        for word in self.addresses or self.bound or ["127.0.0.1"]:
            own_mode = mode
            if word.startswith("notls:"):
                if mode == "off":
                    raise OptionError("'notls' option is valid only when SSL is enabled")
                word, own_mode = word.removeprefix("notls:"), "off"  # noqa: PLW2901
            host, port = _host_and_port(word, self.port)
            found.append((host, port, own_mode))
        return found

    def tls_files(self) -> TlsFiles | None:
        """The certificate, where ``-Z`` asks for TLS. Raises OptionError without one."""
        settings = self.settings
        if not settings.ssl_enabled:
            return None
        if not settings.ssl_chain_cert:
            raise OptionError("-Z needs -o ssl_chain_cert=FILE")
        chain = settings.ssl_chain_cert.decode()
        auth_clients = ("no", "optional", "yes", "yes")[settings.ssl_verify_mode]
        return TlsFiles(
            chain,
            settings.ssl_key.decode() or chain,
            settings.ssl_ca_cert.decode(),
            "no" if auth_clients == "no" or not settings.ssl_ca_cert else cast("TlsFiles", auth_clients),  # type: ignore[arg-type]
            " ".join(TLS_PROTOCOLS[1:] if settings.ssl_min_version == 3 else TLS_PROTOCOLS),
            "",
            settings.ssl_ciphers.decode(),
        )


def _host_and_port(word: str, port: int) -> tuple[str, int]:
    """``host``, ``host:port``, ``[ipv6]:port`` or an IPv6 address."""
    if word.startswith("["):
        host, _, rest = word[1:].partition("]")
        given = rest.removeprefix(":")
    elif word.count(":") == 1:
        host, given = word.split(":")
    else:
        host, given = word, ""
    return host, _whole("port", given, 0, 65535) if given else port


def _whole(name: str, text: str, low: int, high: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = low - 1
    if not low <= number <= high:
        raise OptionError(f"{name} must be a number from {low} to {high}, got {text!r}")
    return number


def wants_memcached(program: str, words: Sequence[str]) -> bool:
    """Whether this command line is one of a memcached profile: by the program's name or by ``--profile``."""
    if program.startswith("memcached"):
        return True
    for at, word in enumerate(words):
        name, _, value = word.partition("=")
        if name == "--profile":
            return (value or "".join(words[at + 1 : at + 2])) in PROFILES
    return False


def _with_values(words: Sequence[str]) -> list[str]:
    """``--elasticache`` may go without its yes, as on the other command line."""
    found: list[str] = []
    for at, word in enumerate(words):
        follows = words[at + 1] if at + 1 < len(words) else "-"
        found.append("--elasticache=yes" if word == "--elasticache" and follows.startswith("-") else word)
    return found


def parse(words: Sequence[str]) -> MemcachedOptions:
    """The options of a command line. Raises OptionError."""
    try:
        pairs, rest = getopt.getopt(_with_values(words), SHORT, [*LONG, *OURS])
    except getopt.GetoptError as error:
        raise OptionError(f"{error.msg}; see --help") from None
    if rest:
        raise OptionError(f"expected an option like -p, got {rest[0]!r}; see --help")
    options = MemcachedOptions()
    by_name = {name.rstrip("="): letter for name, letter in LONG.items()}
    for name, value in pairs:
        letter = name[1:] if len(name) == 2 else by_name.get(name[2:], "")
        if letter:
            _apply(options, letter, value)
        else:
            _apply_ours(options, name[2:], value)
    if not options.shows:
        _check(options)
    return options


def _apply_ours(options: MemcachedOptions, name: str, value: str) -> None:
    if name == "profile":
        options.settings.version = PROFILES[_one_of(name, value, PROFILES)].encode()
    elif name == "elasticache":
        options.settings.elasticache = _is_yes(name, value)
    elif name == "serverless":
        if _is_yes(name, value):  # of the service, and it has no binary protocol
            options.settings.serverless = options.settings.elasticache = True
            options.settings.protocol = b"ascii"
    elif name == "control-fd":
        options.control_fd = _whole("control-fd", value, 0, 1 << 20)
    elif name == "log-format":
        options.log_format = cast("LogFormat", _one_of(name, value, LOG_FORMATS))
    elif name == "loglevel":
        options.loglevel = _one_of(name, value, LEVELS)
    elif name == "logfile":
        options.logfile = value
    elif name == "bind":
        options.bound = value.split()
    elif name == "cluster-nodes":
        options.cluster_nodes = check_nodes(value.split())
    elif name not in OF_VALKEY:
        options.settings.debug_commands = True


def _one_of(name: str, value: str, allowed: Collection[str]) -> str:
    if value not in allowed:
        raise OptionError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")
    return value


def _is_yes(name: str, value: str) -> bool:
    if value not in {"yes", "no"}:
        raise OptionError(f"{name} must be yes or no, got {value!r}")
    return value == "yes"


def check_nodes(nodes: list[str]) -> list[str]:
    """Nodes of a cluster, each as ``host|ip|port``. Raises OptionError for another form."""
    for node in nodes:
        parts = node.split("|")
        if len(parts) != 3 or not parts[0] or not parts[2].isdigit():
            raise OptionError(f"a node of a cluster must be host|ip|port, got {node!r}")
    return nodes


def _apply(options: MemcachedOptions, letter: str, value: str) -> None:
    """One of memcached's own options."""
    settings = options.settings
    if letter in _SWITCHES:
        attribute, set_to = _SWITCHES[letter]
        setattr(settings, attribute, set_to)
    elif letter in "hV":
        options.shows = "help" if letter == "h" else "version"
    elif letter == "o":
        apply_suboptions(settings, value)
    elif letter in "psUalu":
        _apply_socket(options, letter, value)
    elif letter in "mInfR":
        _apply_memory(settings, letter, value)
    elif letter == "c":
        settings.max_connections = _whole("-c", value, 1, 1 << 24)
    elif letter == "v":
        settings.verbosity += 1
    elif letter == "t":
        settings.threads = _whole("-t", value, 1, 1 << 16)
    elif letter == "b":
        settings.backlog = _whole("-b", value, 1, 1 << 20)
    elif letter == "Y":
        settings.auth_file = value.encode()
    elif letter == "P":
        options.pid_file = value
    elif letter == "d":
        options.daemon = True
    else:
        _apply_rest(settings, letter, value)


_SWITCHES: Final[dict[str, tuple[str, object]]] = {
    "A": ("shutdown_command", True),
    "Z": ("ssl_enabled", True),
    "M": ("evicts", False),
    "C": ("use_cas", False),
    "F": ("flush_enabled", False),
    "X": ("dump_enabled", False),
    "W": ("watch_enabled", False),
}
_REFUSED: Final = {
    "S": "This server is not built with SASL support.",
    "e": "-e: a memory file is not supported",
    "N": "-N: NAPI ids are not supported",
    "i": "-i: this is not memcached; the license is in the package's file LICENSE",
}


def _apply_rest(settings: Settings, letter: str, value: str) -> None:
    if letter in _REFUSED:
        raise OptionError(_REFUSED[letter])
    if letter == "D":
        if not value:
            raise OptionError("No delimiter specified")
        settings.prefix_delimiter = value[:1].encode()
        settings.detail_enabled = True
    elif letter == "B":
        if value not in PROTOCOLS:
            raise OptionError(
                f"Invalid value for binding protocol: {value}\n -- should be one of auto, binary, or ascii"
            )
        settings.protocol = PROTOCOLS[value]
        settings.protocol_given = True
    # k, r and L ask for locked, dumped and large pages: nothing that a client sees


def _apply_socket(options: MemcachedOptions, letter: str, value: str) -> None:
    settings = options.settings
    if letter == "p":
        options.port = settings.tcp_port = _whole("-p", value, -1, 65535)
        options.port_given = True
    elif letter == "U":
        settings.udp_port = _whole("-U", value, 0, 65535)
    elif letter == "s":
        settings.socket_path = value.encode()
    elif letter == "a":
        try:
            settings.socket_mode = int(value, 8)
        except ValueError:
            raise OptionError(f"-a must be an octal number, got {value!r}") from None
    elif letter == "l":
        words = value.replace(";", ",").split(",")
        options.addresses += [word for word in words if word and word not in options.addresses]
        settings.interface = ",".join(options.addresses).encode()
    else:
        options.user = value


def _apply_memory(settings: Settings, letter: str, value: str) -> None:
    if letter == "m":
        settings.max_bytes = _whole("-m", value, 0, 1 << 30) * MEGABYTE
    elif letter == "I":
        unit = UNITS.get(value[-1:].lower(), 0)
        settings.item_size_max = _whole("-I", value[:-1] if unit else value, -(1 << 40), 1 << 40) * (unit or 1)
    elif letter == "n":
        settings.chunk_size = _whole("-n", value, 1, MEGABYTE)
    elif letter == "R":
        settings.requests_per_event = _whole("-R", value, 1, 1 << 20)
    else:
        try:
            settings.growth_factor = float(value)
        except ValueError:
            settings.growth_factor = 0.0
        if settings.growth_factor <= 1.0:
            raise OptionError("Factor must be greater than 1")


def _check(options: MemcachedOptions) -> None:
    """What does not go together, in memcached's words."""
    settings = options.settings
    size, chunk, page = settings.item_size_max, settings.chunk_size_max, settings.page_size
    problems = [
        (size < ITEM_BYTES_MIN, "Item max size cannot be less than 1024 bytes."),
        (size > settings.max_bytes // 2, "Cannot set item size limit higher than 1/2 of memory max."),
        (size > ITEM_BYTES_MAX, "Cannot set item size limit higher than a gigabyte."),
        (chunk > size, f"slab_chunk_max (bytes: {chunk}) cannot be larger than -I (item_size_max {size})"),
        (
            bool(size % chunk),
            f"-I (item_size_max: {size}) must be evenly divisible by slab_chunk_max (bytes: {chunk})",
        ),
        (bool(page % chunk), f"slab_chunk_max (bytes: {chunk}) must divide evenly into {page} (slab_page_size)"),
        (
            settings.hot_lru_pct + settings.warm_lru_pct > 80,
            "hot_lru_pct + warm_lru_pct cannot be more than 80% combined",
        ),
        (settings.temp_lru and not settings.lru_maintainer, "temporary_ttl requires lru_maintainer to be enabled"),
        (
            bool(settings.auth_file) and settings.protocol == b"binary",
            "ERROR: You cannot allow the BINARY protocol while using ascii authentication tokens.",
        ),
    ]
    for is_so, message in problems:
        if is_so:
            raise OptionError(message)
    if settings.auth_file and not settings.protocol_given:
        settings.protocol = b"ascii"
    options.listeners()
    if options.daemon and options.control_fd is not None:
        raise OptionError("-d and control-fd exclude each other")
