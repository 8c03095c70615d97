"""A reply for a script: RESP as a flat row of values, from which the prelude builds tables.

Passing a single value to Lua is cheap, passing a table or an object of Python is not. So bulk strings, integers and nulls
are in the row as they are, and anything else follows ``True`` and a number: the number of elements for an array, one of
the ``KIND`` constants otherwise. Plain rows, without any ``True``, are the elements of one array.
"""

from typing import Final

from mypy_extensions import i64

KIND_STATUS: Final = -1  # its text follows
KIND_ERROR: Final = -2  # its text follows
KIND_MAP: Final = -3  # the number of its pairs, and these
KIND_SET: Final = -4  # the number of its members, and these
KIND_DOUBLE: Final = -5  # the number follows
KIND_TRUE: Final = -6
KIND_BIG_NUMBER: Final = -7  # its digits follow
KIND_VERBATIM: Final = -8  # format and text follow

_DOLLAR: Final = 36
_PLUS: Final = 43
_MINUS: Final = 45
_COLON: Final = 58
_STAR: Final = 42
_PUSH: Final = 62
_MAP: Final = 37
_SET: Final = 126
_DOUBLE: Final = 44
_BOOLEAN: Final = 35
_BIG_NUMBER: Final = 40
_ATTRIBUTE: Final = 124
_VERBATIM: Final = 61
_TRUE: Final = 116
_CR: Final = 13
_ZERO: Final = 48
_DIGITS_MAX: Final = 18  # and a sign, so that the number is no longer than a machine word


def line_number(reply: bytes) -> int:
    """The integer of a reply that is nothing else."""
    digits: i64 = len(reply) - 3
    if digits > _DIGITS_MAX:
        return int(reply[1:-2])
    at: i64 = 2 if reply[1] == _MINUS else 1
    is_negative = at == 2
    value: i64 = 0
    while at <= digits:
        value = value * 10 + (reply[at] - _ZERO)
        at += 1
    return -value if is_negative else value


class ReplyValues:
    """The row of values of one reply."""

    def __init__(self, reply: bytes) -> None:
        self.row: list[object] = []
        self.is_plain = True
        """The reply is an array of strings, integers and nulls, and ``row`` holds its elements."""
        self._reply = reply
        self._at: i64 = 0
        if reply[0] == _STAR:
            count = self._number()
            if count >= 0:
                self.row = [None] * count
                if self._plain_elements(count):
                    return
        self.row = []
        self.is_plain = False
        self._at = 0
        self._value()

    def _number(self) -> i64:
        """The integer behind the type at the current place; the place moves behind its line."""
        reply = self._reply
        at = self._at + 1
        is_negative = reply[at] == _MINUS
        if is_negative:
            at += 1
        value: i64 = 0
        byte: i64 = reply[at]
        while byte != _CR:
            value = value * 10 + (byte - _ZERO)
            at += 1
            byte = reply[at]
        self._at = at + 2
        return -value if is_negative else value

    def _plain_elements(self, count: i64) -> bool:
        """Read ``count`` elements into the row; False at the first that is more than a string, integer or null."""
        reply, row = self._reply, self.row
        place: i64 = 0
        while place < count:
            kind: i64 = reply[self._at]
            if kind == _DOLLAR:
                row[place] = self._string_or_null()
            elif kind == _COLON:
                row[place] = self._number()
            else:
                return False
            place += 1
        return True

    def _string_or_null(self) -> bytes | bool:
        return False if self._reply[self._at + 1] == _MINUS and self._number() else self._string()

    def _string(self) -> bytes:
        size = self._number()
        start = self._at
        self._at = start + size + 2
        return self._reply[start : start + size]

    def _line(self) -> bytes:
        start = self._at + 1
        end: i64 = self._reply.index(b"\r", start)
        self._at = end + 2
        return self._reply[start:end]

    def _value(self) -> None:
        """Add the value at the current place, and what it holds."""
        kind: i64 = self._reply[self._at]
        row = self.row
        if kind == _DOLLAR:
            row.append(self._string_or_null())
        elif kind == _COLON:
            row.append(self._number())
        elif kind in (_STAR, _PUSH):
            self._elements()
        elif kind == _PLUS:
            row += [True, KIND_STATUS, self._line()]
        elif kind == _MINUS:
            row += [True, KIND_ERROR, self._line()]
        else:
            self._value_of_resp3(kind)

    def _elements(self) -> None:
        count = self._number()
        if count < 0:
            self.row.append(False)
            return
        self.row += [True, int(count)]
        for _ in range(count):
            self._value()

    def _value_of_resp3(self, kind: i64) -> None:
        row = self.row
        if kind == _MAP:
            count = self._number()
            row += [True, KIND_MAP, int(count)]
            for _ in range(2 * count):
                self._value()
        elif kind == _SET:
            count = self._number()
            row += [True, KIND_SET, int(count)]
            for _ in range(count):
                self._value()
        elif kind == _DOUBLE:
            row += [True, KIND_DOUBLE, float(self._line())]
        elif kind == _BOOLEAN:
            if self._line()[0] == _TRUE:
                row += [True, KIND_TRUE]
            else:
                row.append(False)
        elif kind == _BIG_NUMBER:
            row += [True, KIND_BIG_NUMBER, self._line()]
        elif kind == _VERBATIM:
            text = self._string()
            row += [True, KIND_VERBATIM, text[:3], text[4:]]
        elif kind == _ATTRIBUTE:
            self._skip_attributes()
            self._value()
        else:
            self._line()
            row.append(None)  # the null of RESP3

    def _skip_attributes(self) -> None:
        row = self.row
        self.row = []
        count = self._number()
        for _ in range(2 * count):
            self._value()
        self.row = row
