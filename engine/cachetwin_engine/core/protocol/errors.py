"""What can go wrong on the wire, and every error text the engine sends.

Two fates: a ``CommandError`` is a reply and the connection stays; a ``ProtocolError`` is a last reply and the connection
closes. Any other exception from a handler is a bug of the engine: the shell logs it and closes that connection.
The texts are Valkey's, to the letter, because clients match on them. Raise a fresh exception each time.
"""

from typing import Final

_LF: Final = 10
_CR: Final = 13


class CommandError(Exception):
    """An error reply; ``line`` is the text after the dash, code first (``ERR ...``), without line end."""

    def __init__(self, line: bytes) -> None:
        if _LF in line or _CR in line:  # numbers: for bytes Python first raises, and drops, a TypeError
            line = printable(line)  # it may quote what a client sent
        super().__init__(line)
        self.line = line


class ProtocolError(Exception):
    """Bytes that no further bytes can make a valid request; ``reason`` follows ``Protocol error: `` on the wire."""

    def __init__(self, reason: bytes) -> None:
        super().__init__(reason)
        self.reason = reason


WRONG_TYPE: Final = b"WRONGTYPE Operation against a key holding the wrong kind of value"
SYNTAX: Final = b"ERR syntax error"
NOT_AN_INTEGER: Final = b"ERR value is not an integer or out of range"
NOT_A_FLOAT: Final = b"ERR value is not a valid float"
OUT_OF_RANGE: Final = b"ERR value is out of range"
SYMMETRIC_RANGE: Final = b"ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"
MUST_BE_POSITIVE: Final = b"ERR value is out of range, must be positive"
OVERFLOW: Final = b"ERR increment or decrement would overflow"
NAN_OR_INFINITY: Final = b"ERR increment would produce NaN or Infinity"
NO_SUCH_KEY: Final = b"ERR no such key"
INDEX_OUT_OF_RANGE: Final = b"ERR index out of range"
OFFSET_OUT_OF_RANGE: Final = b"ERR offset is out of range"
STRING_TOO_LONG: Final = b"ERR string exceeds maximum allowed size (proto-max-bulk-len)"
DB_INDEX_OUT_OF_RANGE: Final = b"ERR DB index is out of range"
INVALID_CURSOR: Final = b"ERR invalid cursor"
TIMEOUT_NOT_A_FLOAT: Final = b"ERR timeout is not a float or out of range"
TIMEOUT_NOT_AN_INTEGER: Final = b"ERR timeout is not an integer or out of range"
UNBLOCKED: Final = b"-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"
TIMEOUT_NEGATIVE: Final = b"ERR timeout is negative"
TIMEOUT_OUT_OF_RANGE: Final = b"ERR timeout is out of range"
NO_AUTH: Final = b"NOAUTH Authentication required."
WRONG_PASSWORD: Final = b"WRONGPASS invalid username-password pair or user is disabled."
NO_PROTO: Final = b"NOPROTO unsupported protocol version"
EXEC_ABORT: Final = b"EXECABORT Transaction discarded because of previous errors."
OUT_OF_MEMORY: Final = b"OOM command not allowed when used memory > 'maxmemory'."
CANNOT_SAVE: Final = (
    b"MISCONF Valkey is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may "
    b"modify the data set are disabled, because this instance is configured to report errors during writes if RDB "
    b"snapshotting fails (stop-writes-on-bgsave-error option). Please check the Valkey logs for details about the RDB "
    b"error."
)
NO_REPLICAS: Final = b"NOREPLICAS Not enough good replicas to write."
READ_ONLY: Final = b"READONLY You can't write against a read only replica."
MASTER_DOWN: Final = b"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."
MAX_CLIENTS: Final = b"ERR max number of clients reached"
NESTED_MULTI: Final = b"ERR MULTI calls can not be nested"


def wrong_type() -> CommandError:
    """The key holds another kind of value."""
    return CommandError(WRONG_TYPE)


def syntax_error() -> CommandError:
    """The arguments do not parse."""
    return CommandError(SYNTAX)


def not_an_integer() -> CommandError:
    """An argument or a stored value is not a signed 64-bit integer."""
    return CommandError(NOT_AN_INTEGER)


def not_a_float() -> CommandError:
    """An argument or a stored value is not a float."""
    return CommandError(NOT_A_FLOAT)


def wrong_arity(name: bytes) -> CommandError:
    """``name`` is the command's full name in lower case, ``client|kill`` for a sub-command."""
    return CommandError(b"ERR wrong number of arguments for '" + name + b"' command")


def unknown_command(args: list[bytes]) -> CommandError:
    """The text names the command and its first arguments, at most 128 bytes of each part, as Valkey prints them."""
    shown = b""
    for arg in args[1:]:
        if len(shown) >= 128:
            break
        shown += b"'" + arg[: 128 - len(shown)] + b"' "
    return CommandError(
        b"ERR unknown command '" + printable(args[0][:128]) + b"', with args beginning with: " + printable(shown)
    )


def unknown_subcommand(container: bytes, subcommand: bytes) -> CommandError:
    """``container`` is the command's name as the table has it."""
    return CommandError(
        b"ERR unknown subcommand '" + printable(subcommand[:128]) + b"'. Try " + container.upper() + b" HELP."
    )


def bad_subcommand(args: list[bytes]) -> CommandError:
    """A sub-command with arguments that it can't have."""
    return CommandError(
        b"ERR unknown subcommand or wrong number of arguments for '"
        + printable(args[1][:128])
        + b"'. Try "
        + args[0].upper()
        + b" HELP."
    )


def printable(text: bytes) -> bytes:
    """An error is one line: line ends inside become spaces."""
    return text.replace(b"\r", b" ").replace(b"\n", b" ")
