"""The pages of Memcached's commands for docs/commands/: one a command, with replies that the engine gives.

``tools/command_pages.py`` writes them.
"""

from typing import Final

from cachetwin_engine.memcached.commands import COMMANDS
from cachetwin_engine.memcached.commands.serverless import UNKNOWN
from cachetwin_engine.memcached.commands.table import Command
from cachetwin_engine.memcached.engine import Memcached
from cachetwin_engine.memcached.settings import Settings

__all__ = ["memcached_pages"]

PROFILE: Final = "memcached-1.6"
GROUPS: Final[dict[str, str]] = {
    "classic": "The classic text protocol: a line, with the value on a line of its own behind the commands that store.",
    "meta": "The meta protocol: each flag is a letter, some with a token behind it; what comes back is what they ask for.",
    "memory": "The LRU and the slab classes. Under `--elasticache yes` these answer ERROR, as the service's nodes do.",
    "server": "The server and its statistics.",
    "elasticache": "What ElastiCache's nodes have beside memcached.",
}
META_FLAGS: Final[tuple[tuple[str, str, str], ...]] = (
    ("b", "mg ms md ma", "the key is base64, of any bytes"),
    ("k", "mg ms md ma", "return the key"),
    ("O(token)", "mg ms md ma", "return the token, of up to 31 bytes, as it came"),
    ("q", "mg ms md ma", "no reply where nothing is wrong: not EN of mg, nor HD of the others"),
    ("c", "mg ms ma", "return the CAS number"),
    ("v", "mg ma", "return the value"),
    ("t", "mg ma", "return the seconds left to live, -1 for no end"),
    ("T(token)", "mg ms md ma", "set the time to live; of md only with I"),
    ("s", "mg ms", "return the size of the value"),
    ("f", "mg", "return the client flags"),
    ("h", "mg", "return whether the item was read before: 0 or 1"),
    ("l", "mg", "return the seconds since it was last read"),
    ("u", "mg", "leave the LRU alone"),
    (
        "N(token)",
        "mg ms ma",
        "make a missing item with this time to live; the client of mg has won. Of ms with MA and MP",
    ),
    ("R(token)", "mg", "win if less than this time is left"),
    ("F(token)", "ms", "the client flags"),
    ("C(token)", "ms md ma", "only if this is still the CAS number"),
    ("I", "ms md", "md: mark as stale in place of deleting; ms: an older CAS number is taken, the value stays stale"),
    ("M(token)", "ms ma", "mode: E add, A append, P prepend, R replace, S set; I or + increment, D or - decrement"),
    ("J(token)", "ma", "the number that N begins with"),
    ("D(token)", "ma", "by how much, 1 without it"),
    ("E(token)", "mg ms md ma", "only `memcached-1.6.45`: the CAS number that the item gets"),
    ("C(token)", "mg", "only `memcached-1.6.45`: no value if this is the CAS number"),
    ("x", "md", "only `memcached-1.6.45`: empty the value and keep the item"),
)
MARKS: Final = "W in a reply: this client is to fetch the value anew. Z: another one is. X: the value is stale."

SET: Final = "set k 5 0 5\nhello"
EXAMPLES: Final[dict[str, tuple[str, ...]]] = {
    "add": ("add k 0 60 5\nhello", "add k 0 60 5\nother"),
    "append": (SET, "append k 0 0 6\n there", "get k"),
    "bget": (SET, "bget k"),
    "cas": (SET, "gets k", "cas k 0 0 2 1\nhi", "cas k 0 0 3 1\nlate"),
    "decr": ("set n 0 0 2\n10", "decr n 3", "decr n 100"),
    "delete": (SET, "delete k", "delete k"),
    "gat": (SET, "gat 60 k none"),
    "gats": (SET, "gats 60 k"),
    "get": (SET, "get k none"),
    "gets": (SET, "gets k"),
    "incr": ("set n 0 0 1\n9", "incr n 1", "incr none 1"),
    "prepend": (SET, "prepend k 0 0 3\noh-", "get k"),
    "replace": ("replace k 0 0 1\na", SET, "replace k 0 0 1\na"),
    "set": (SET, "set k 0 0 2000000\n" + "x" * 3),
    "touch": (SET, "touch k 60", "touch none 60"),
    "ma": ("ma n v", "ma n N60 J10 v", "ma n D5 v", "ma n MD D100 v"),
    "md": (SET, "md k I T30", "mg k v", "md k", "md k"),
    "me": (SET, "me none"),
    "mg": (SET, "mg k v f t", "mg k", "mg none", "mg lease N30 v c", "mg lease v"),
    "mn": ("mn",),
    "ms": ("ms k 5 T60 F7\nhello", "ms k 2 ME\nhi", "ms k 6 MA\n there", "mg k v"),
    "lru": ("lru mode segmented", "lru tune 20 40 0.2 2.0", "lru temp_ttl 60"),
    "lru_crawler": ("lru_crawler crawl all", "lru_crawler sleep 1000", "lru_crawler tocrawl 10"),
    "slabs": (SET, "slabs automove 1", "slabs automove ratio 0.8", "slabs reassign 1 1", "slabs reassign 1 2"),
    "cache_memlimit": ("cache_memlimit 128", "cache_memlimit 1"),
    "flush_all": (SET, "flush_all", "get k", "flush_all 10"),
    "quit": ("quit",),
    "refresh_certs": ("refresh_certs",),
    "shutdown": ("shutdown",),
    "stats": ("stats reset", "stats detail on", "stats nothing"),
    "verbosity": ("verbosity 1",),
    "version": ("version",),
    "watch": ("watch fetchers",),
    "debugtime": (),
    "config": (),
}
"""Requests of one client, in order, by command."""

NODE: Final = b"pages.abc123.0001.use1.cache.amazonaws.com|10.0.0.1|11211"


def memcached_pages() -> dict[str, str]:
    """File name to text: ``memcached.md``, and a page for each command below ``memcached/``."""
    texts = {"memcached.md": _index()}
    for name, row in COMMANDS.items():
        texts[f"memcached/{name.decode()}.md"] = _page(row)
    return texts


def _index() -> str:
    lines = [
        "# Memcached",
        "",
        f"What `cachetwin-engine --profile {PROFILE}` answers. The binary protocol has the commands of the classic",
        "one and those of auto discovery. [Differences](../differences.md#memcached) has what is not here.",
    ]
    for group, text in GROUPS.items():
        lines += ["", f"## {group}", "", text, "", "| command | forms | since | |", "|---|---|---|---|"]
        for name, row in sorted(COMMANDS.items()):
            if row.group == group:
                forms = "<br>".join(f"`{form}`" for form in _forms(row))
                cells = [f"[`{name.decode()}`](memcached/{name.decode()}.md)", forms, row.since, row.summary]
                lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        if group == "meta":
            lines += ["", *_flags("")]
    return "\n".join([*lines, "", MARKS, ""])


def _page(row: Command) -> str:
    name = row.name.decode()
    lines = [f"# {name}", "", row.summary, "", f"Since {row.since}; [all commands](../memcached.md).", "", "```text"]
    lines += [*_forms(row), "```"]
    if row.group == "meta" and name not in {"me", "mn"}:
        lines += ["", *_flags(name), "", MARKS]
    notes = []
    if row.group == "memory":
        notes.append("Under `--elasticache yes` it answers ERROR, as the service's nodes do.")
    elif row.name in UNKNOWN:
        notes.append("Under `--serverless yes` it answers ERROR, as serverless caches do.")
    if name == "debugtime":
        notes.append("It is there with `--enable-debug-commands` only, for memcached's own tests.")
    if notes:
        lines += ["", *notes]
    said = _conversation(name)
    if said:
        lines += ["", "What the engine answers, `>` before what the client sends:", "", "```text", *said, "```"]
    return "\n".join([*lines, ""])


def _forms(row: Command) -> list[str]:
    """The forms of a command; a bar between words is a choice, between blanks another form."""
    return [form.strip() for form in row.usage.split(" | ")]


def _flags(command: str) -> list[str]:
    """The table of the meta flags: of one command, or of all."""
    head = ["| flag | of | |", "|---|---|---|"] if not command else ["| flag | |", "|---|---|"]
    for flag, commands, text in META_FLAGS:
        if not command:
            head.append(f"| `{flag}` | {commands} | {text} |")
        elif command in commands.split():
            head.append(f"| `{flag}` | {text} |")
    return head


def _conversation(name: str) -> list[str]:
    """The examples of a command with the engine's replies, line by line."""
    engine = Memcached(Settings(), lambda: 1_700_000_000_000_000_000)
    requests = EXAMPLES[name]
    if name == "config":
        engine.store.cluster.set_nodes([NODE], 1)
        requests = ("config get cluster", "get AmazonElastiCache:cluster")
    session = engine.open_session(1, b"tcp:127.0.0.1:50000", b"tcp:127.0.0.1:11211", b"127.0.0.1", 50000, b"tcp")
    lines: list[str] = []
    for request in requests:
        reply = session.feed(request.replace("\n", "\r\n").encode() + b"\r\n")
        lines += [f"> {line}" for line in request.split("\n")]
        lines += reply.decode().replace("\r\n", "\n").splitlines()
        if name == "quit":
            lines.append("(the server closes the connection)")
    return lines
