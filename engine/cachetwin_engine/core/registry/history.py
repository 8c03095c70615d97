"""How rows of the command table differ in older versions.

Flags, arities and arguments of COMMAND INFO and COMMAND DOCS, compared with Redis OSS 7.0.15, Valkey 8.1.1 and 9.1.2. If
only an older and a newer version are known, the release notes or the pull request date the change.
"""

from typing import Final

from .command_table import ALLOW_BUSY, BLOCKING, LOADING, NO_MULTI, NOSCRIPT, STALE, Command, KeySpec


class Change:
    """Before version ``until`` a row had the flags ``more``, did not have the flags ``fewer``, and differed as given here.

    ``arguments`` is a pair: the earlier text and the current text of a part of the usage line. ``fixed_keys``: the access
    to a key was not marked as dependent on the arguments.
    """

    def __init__(
        self,
        until: tuple[int, int, int],
        more: int = 0,
        fewer: int = 0,
        arity: int = 0,
        arguments: tuple[str, str] = ("", ""),
        fixed_keys: bool = False,
    ) -> None:
        self.until = until
        self.more = more
        self.fewer = fewer
        self.arity = arity
        self.arguments = arguments
        self.fixed_keys = fixed_keys


_BLOCKING: Final = [Change((7, 2, 0), more=NOSCRIPT)]  # since then scripts may call them
_RANK: Final = [Change((7, 2, 0), arity=3)]  # without WITHSCORE
_GETKEYS: Final = [Change((7, 2, 0), arity=-4)]
_LOADING: Final = [Change((8, 0, 0), fewer=LOADING)]
_NESTED: Final = [Change((8, 0, 0), fewer=NO_MULTI)]
_STALE: Final = [Change((9, 0, 0), fewer=STALE)]
_BUSY: Final = [Change((9, 1, 0), fewer=ALLOW_BUSY)]
_FROM: Final = "from=<FROMMEMBER member | FROMLONLAT fromlonlat=(longitude latitude)>"
_CENTRE: Final = [
    Change((9, 0, 0), arguments=(_FROM, f"[{_FROM}]"))
]  # optional since polygons, which have a centre of their own
_LOGS: Final = [
    Change((9, 0, 0), arguments=("<slow | large-request | large-reply>", "<SLOW | LARGE-REQUEST | LARGE-REPLY>"))
]
_REPLICATE: Final = "args=<node-id | no-one=(NO ONE)@9.0.0>"
_STORING: Final = [Change((9, 1, 0), fixed_keys=True)]

_CHANGES: Final[dict[bytes, list[Change]]] = {
    b"blmove": _BLOCKING,
    b"blpop": _BLOCKING,
    b"brpop": _BLOCKING,
    b"brpoplpush": _BLOCKING,
    b"bzpopmax": _BLOCKING,
    b"bzpopmin": _BLOCKING,
    b"client|caching": _BUSY,
    b"client|capa": _BUSY,
    b"client|getname": _BUSY,
    b"client|getredir": _BUSY,
    b"client|id": _BUSY,
    b"client|no-evict": _BUSY,
    b"client|no-touch": _BUSY,
    b"client|reply": [*_BUSY, Change((9, 0, 0), fewer=NO_MULTI)],
    b"client|setinfo": _BUSY,
    b"client|setname": _BUSY,
    b"cluster|info": _LOADING,
    b"cluster|myid": _LOADING,
    b"cluster|nodes": _LOADING,
    b"cluster|replicate": [Change((9, 0, 0), arity=3, arguments=("node-id", _REPLICATE))],
    b"cluster|shards": _LOADING,
    b"cluster|slots": _LOADING,
    b"command|getkeys": _GETKEYS,
    b"command|getkeysandflags": _GETKEYS,
    b"commandlog|get": _LOGS,
    b"commandlog|len": _LOGS,
    b"commandlog|reset": _LOGS,
    b"georadius": _STORING,
    b"georadiusbymember": _STORING,
    b"geosearch": _CENTRE,
    b"geosearchstore": _CENTRE,
    b"memory|malloc-stats": _LOADING,
    b"memory|purge": _LOADING,
    b"multi": _NESTED,
    b"script|debug": [Change((9, 1, 0), arity=3)],
    b"script|exists": _STALE,
    b"script|flush": _STALE,
    b"script|show": _STALE,
    b"select": _BUSY,
    b"wait": [Change((7, 2, 0), more=NOSCRIPT, fewer=BLOCKING)],
    b"watch": _NESTED,
    b"zrank": _RANK,
    b"zrevrank": _RANK,
}


def make_as_of(row: Command, version: tuple[int, int, int]) -> None:
    """Change ``row`` to what it was at ``version``."""
    for change in _CHANGES.get(row.name, []):
        if version < change.until:
            _undo(row, change)


def _undo(row: Command, change: Change) -> None:
    row.flags = (row.flags | change.more) & ~change.fewer
    if change.arity:
        row.arity = change.arity
    if change.fewer & BLOCKING:
        row.categories = [name for name in row.categories if name != b"blocking"]
    before, now = change.arguments
    if now:
        row.arguments = row.arguments.replace(now, before)
    if change.fixed_keys:
        row.keys = [_fixed(spec) for spec in row.keys]


def _fixed(spec: KeySpec) -> KeySpec:
    """A copy of ``spec`` without ``variable``; a copy because rows share their specifications."""
    return KeySpec(spec.access, spec.effects, index=spec.index, keyword=spec.keyword) if spec.variable else spec
