"""The last bytes of the replication stream, kept for replicas that reconnect."""

from typing import Final

_CHUNK_BYTES_MAX: Final = 16 * 1024  # let go of at once, so that not much more is kept than asked for
_COMPACT_FROM: Final = 1024  # chunks let go of before the list is shortened


class Backlog:
    """Bytes ``first`` to ``first + length - 1`` of the stream: the last ``limit`` of them, or a little more."""

    def __init__(self, first: int, limit: int) -> None:
        self.first = first
        self.length = 0
        self.limit = limit
        self._chunks: list[bytes] = []
        self._head = 0  # chunks before this one are let go of

    def add(self, data: bytes) -> None:
        """Add ``data`` to the stream."""
        if len(data) <= _CHUNK_BYTES_MAX:
            self._chunks.append(data)
        else:
            for at in range(0, len(data), _CHUNK_BYTES_MAX):
                self._chunks.append(data[at : at + _CHUNK_BYTES_MAX])
        self.length += len(data)
        self.trim()

    def trim(self) -> None:
        """Drop whole chunks that are not needed for the last ``limit`` bytes."""
        while self._head < len(self._chunks) and self.length - len(self._chunks[self._head]) >= self.limit:
            size = len(self._chunks[self._head])
            self._chunks[self._head] = b""
            self._head += 1
            self.first += size
            self.length -= size
        if self._head > _COMPACT_FROM and self._head * 2 > len(self._chunks):
            del self._chunks[: self._head]
            self._head = 0

    def holds(self, offset: int) -> bool:
        """True if the stream can be repeated from ``offset`` on, even if that is its end."""
        return self.first <= offset <= self.first + self.length

    def since(self, offset: int) -> bytes:
        """The stream from ``offset`` on, which must be held."""
        at = self._head
        start = self.first
        while at < len(self._chunks) and start + len(self._chunks[at]) <= offset:
            start += len(self._chunks[at])
            at += 1
        return b"".join(self._chunks[at:])[offset - start :]
