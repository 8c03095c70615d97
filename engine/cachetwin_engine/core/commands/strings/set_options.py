"""The options of SET, GETEX and MSETEX.

They are read by hand: SET spends most of its time in its arguments, and which words it accepts depends on the words
before.
"""

from cachetwin_engine.core.execution.context import Context
from cachetwin_engine.core.keyspace.expire_time import expire_time
from cachetwin_engine.core.protocol.errors import syntax_error


class SetOptions:
    """The options of SET, GETEX or MSETEX."""

    def __init__(self) -> None:
        self.if_missing = False
        self.if_present = False
        self.if_equal: bytes | None = None
        self.get = False
        self.keep_ttl = False
        self.persist = False
        self.expire_text: bytes | None = None
        self.expire_word = b""  # EX, PX, EXAT or PXAT: may be repeated but not mixed
        self.unit_ms = 1
        self.absolute = False
        self.effect: list[bytes] | None = None  # what to propagate, unless there is an expiry time

    def expire_at(self, ctx: Context, name: bytes) -> int:
        """The expiry time as Unix time in ms, -1 for none. Raises CommandError."""
        if self.expire_text is None:
            return -1
        return expire_time(self.expire_text, self.unit_ms, 0 if self.absolute else ctx.engine.now_ms, name)


def take_expiry(options: SetOptions, word: bytes, args: list[bytes], at: int) -> bool:
    """Read EX, PX, EXAT or PXAT and the time after it, if ``word`` is one of them. Raises CommandError."""
    if word not in {b"EX", b"PX", b"EXAT", b"PXAT"}:
        return False
    if options.keep_ttl or options.persist or options.expire_word not in {b"", word} or at + 1 >= len(args):
        raise syntax_error()
    options.expire_word = word
    options.expire_text = args[at + 1]
    options.unit_ms = 1000 if word[0] == 69 else 1
    options.absolute = len(word) == 4
    return True


def set_options(ctx: Context, args: list[bytes]) -> SetOptions:
    """The options of SET. Raises CommandError."""
    options = SetOptions()
    at = 3
    while at < len(args):
        word = args[at].upper()
        conditional = options.if_missing or options.if_present or options.if_equal is not None
        if word == b"NX" and (not conditional or options.if_missing):
            options.if_missing = True
        elif word == b"XX" and (not conditional or options.if_present):
            options.if_present = True
        elif word == b"IFEQ" and not conditional and at + 1 < len(args) and ctx.engine.profile.has_set_ifeq:
            at += 1
            options.if_equal = args[at]
        elif word == b"GET":
            options.get = True
        elif word == b"KEEPTTL" and options.expire_text is None:
            options.keep_ttl = True
        elif take_expiry(options, word, args, at):
            at += 1
        else:
            raise syntax_error()
        at += 1
    return options
