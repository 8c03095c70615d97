"""NX, XX, GT and LT: the conditions of EXPIRE, HEXPIRE and their families."""

from typing import Final

from cachetwin_engine.core.protocol.errors import CommandError, printable


class ExpireCondition:
    """When a new expiry time may replace the current one; without options always."""

    def __init__(self) -> None:
        self.only_without = False  # NX
        self.only_with = False  # XX
        self.only_later = False  # GT
        self.only_sooner = False  # LT

    def allows(self, current_ms: int, at_ms: int) -> bool:
        """Whether ``at_ms`` may replace ``current_ms``; a negative one is none, and counts as later than any time."""
        if current_ms < 0:
            return not (self.only_with or self.only_later)
        if self.only_without:
            return False
        if self.only_later:
            return at_ms > current_ms
        return not self.only_sooner or at_ms < current_ms


_NO_CONDITION: Final = ExpireCondition()


def expire_condition(args: list[bytes], begin: int, end: int) -> ExpireCondition:
    """The condition in ``args`` from ``begin`` up to ``end``. Raises CommandError."""
    if begin == end:
        return _NO_CONDITION
    condition = ExpireCondition()
    for at in range(begin, end):
        word = args[at].upper()
        if word == b"NX":
            condition.only_without = True
        elif word == b"XX":
            condition.only_with = True
        elif word == b"GT":
            condition.only_later = True
        elif word == b"LT":
            condition.only_sooner = True
        else:
            raise CommandError(b"ERR Unsupported option " + printable(args[at].partition(b"\0")[0]))
    if condition.only_without and (condition.only_with or condition.only_later or condition.only_sooner):
        raise CommandError(b"ERR NX and XX, GT or LT options at the same time are not compatible")
    if condition.only_later and condition.only_sooner:
        raise CommandError(b"ERR GT and LT options at the same time are not compatible")
    return condition
