"""The flags of the meta commands: one letter each, some with a token behind it (proto_text.c, _meta_flag_preparse)."""

from typing import Final, final

from mypy_extensions import i64

from cachetwin_engine.memcached.base64_keys import decoded, encoded
from cachetwin_engine.memcached.items.store import Store
from cachetwin_engine.memcached.numbers import NOT_A_NUMBER, signed_32, unsigned_32, unsigned_64

FLAGS_MAX: Final = 17  # with the command, the key and the end of the line they are 20 words
OPAQUE_BYTES_MAX: Final = 32
LONG_OPAQUE: Final = b"CLIENT_ERROR opaque token too long\r\n"
_WITHOUT_WORK: Final = frozenset(b"OPLkstcf")
_NEWER: Final = frozenset(b"Ex")  # than 1.6.22
_BAD_TOKEN: Final = b"CLIENT_ERROR bad token in command line format"
_INVALID: Final = b"CLIENT_ERROR invalid flag"
_BAD_FORMAT: Final = b"CLIENT_ERROR bad command line format"


@final
class MetaFlags:
    """The flags of one request, read. ``error`` is the text of what is wrong with them, empty if nothing is."""

    def __init__(self, store: Store, key: bytes) -> None:
        self.key = key
        self.error = b""
        self.is_malformed = False  # the error is one of reading the flags
        self.opaque_is_long = False  # each command notices it at another moment
        self.value = False
        self.vivifies = False
        self.bumps_late = False  # what the LRU knows is shown as it was before this request
        self.no_update = False
        self.quiet = False
        self.marks_stale = False
        self.removes_value = False
        self.has_ttl = False
        self.key_is_binary = False
        self.mode: i64 = 0
        self.exptime: i64 = 0
        self.vivify_exptime: i64 = 0
        self.recache_time: i64 = 0
        self.client_flags: i64 = 0
        self.cas = -1
        self.new_cas = 0
        self.delta = 1
        self.initial = 0
        self._store = store

    def read(self, words: list[bytes], first: i64) -> bool:
        """Read the flags from ``words[first]`` on; False with ``error`` set."""
        seen: list[bool] = [False] * 128
        failed = False
        at: i64 = first
        while at < len(words):
            word = words[at]
            letter: i64 = word[0]
            if letter >= 127 or seen[letter]:
                return self._malformed(b"CLIENT_ERROR duplicate flag")
            seen[letter] = True
            if letter not in _WITHOUT_WORK:
                if letter in _NEWER and not self._store.settings.is_1_6_45:
                    return self._malformed(_INVALID)
                problem = self._read_flag(letter, word)
                if problem:
                    failed = True
                    if problem != _BAD_FORMAT or not self.error:  # F has no text of its own
                        self._malformed(problem)
                    if problem == _INVALID:
                        return False
            elif letter == 79 and len(word) > OPAQUE_BYTES_MAX:  # O
                self.opaque_is_long = True
            at += 1
        return not failed

    def _malformed(self, error: bytes) -> bool:
        self.error = error
        self.is_malformed = True
        return False

    def _read_flag(self, letter: i64, word: bytes) -> bytes:
        if letter == 118:  # v
            self.value = True
        elif letter == 113:  # q
            self.quiet = True
        elif letter == 98:  # b
            self.key = decoded(self.key)
            self.key_is_binary = True
            if not self.key:
                return b"CLIENT_ERROR error decoding key"
        elif letter in b"hl":
            self.bumps_late = True
        elif letter == 117:  # u
            self.no_update = True
        elif letter == 73:  # I
            self.marks_stale = True
        elif letter == 120:  # x
            self.removes_value = True
        elif letter in b"NTR":
            return self._read_time(letter, word)
        else:
            return self._read_number(letter, word)
        return b""

    def _read_time(self, letter: i64, word: bytes) -> bytes:
        self.bumps_late = True
        if letter == 78:  # N
            self.vivifies = True
        seconds = signed_32(word[1:])
        if seconds == NOT_A_NUMBER:
            return _BAD_TOKEN
        exptime = self._store.expiry(seconds)
        if letter == 78:
            self.vivify_exptime = exptime
        elif letter == 84:  # T
            self.exptime = exptime
            self.has_ttl = True
        else:
            self.recache_time = exptime
        return b""

    def _read_number(self, letter: i64, word: bytes) -> bytes:
        token = word[1:]
        if letter == 70:  # F
            self.client_flags = unsigned_32(token)
            return _BAD_FORMAT if self.client_flags < 0 else b""
        if letter == 67:  # C
            self.cas = unsigned_64(token)
            return _BAD_TOKEN if self.cas < 0 else b""
        if letter == 69:  # E
            self.new_cas = unsigned_64(token)
            return _BAD_TOKEN if self.new_cas < 0 else b""
        if letter == 77:  # M
            if len(word) != 2:
                return b"CLIENT_ERROR incorrect length for M token"
            self.mode = word[1]
            return b""
        if letter == 74:  # J
            self.initial = unsigned_64(token)
            return b"CLIENT_ERROR invalid numeric initial value" if self.initial < 0 else b""
        if letter == 68:  # D
            self.delta = unsigned_64(token)
            return b"CLIENT_ERROR invalid numeric delta value" if self.delta < 0 else b""
        return _INVALID


def shown_key(key: bytes, is_binary: bool) -> bytes:
    """What the flag k returns."""
    return b" k" + encoded(key) + b" b" if is_binary else b" k" + key
