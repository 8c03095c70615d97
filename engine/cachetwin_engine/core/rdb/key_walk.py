"""The keys of a database as they were when a walk began, in the order of a scan.

The keys are not listed at the start, which takes half a second for a million of them. A scan visits keys by their places,
and it can tell of any key whether it has passed it. So only the keys have to be kept that change before the scan reaches
them: those are taken out of the walk at once, and new ones are not in it.
"""

from cachetwin_engine.core.keyspace.database import Database


class KeyWalk:
    """A walk over one database. ``exclude`` must be called before a key is changed, deleted or created."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._cursor = 0
        self._ended = False
        self._found: dict[bytes, None] = {}  # passed by the scan and not taken yet
        self._excluded: dict[bytes, None] = {}  # not passed by the scan, and not to be taken

    def take(self, count: int) -> list[bytes]:
        """The next keys, about ``count``; an empty list at the end."""
        while not self._found and not self._ended:
            before = self._cursor
            cursor, keys = self._db.values.scan(before, count)
            for key in keys:
                if key in self._excluded:
                    del self._excluded[key]
                elif not before or not self._db.values.is_passed(key, before):
                    self._found[key] = None
            self._cursor = cursor
            self._ended = cursor == 0
        taken: list[bytes] = []
        while self._found and len(taken) < count:
            key, _none = self._found.popitem()
            taken.append(key)
        return taken

    def has_more(self) -> bool:
        """Whether ``take`` may return keys."""
        return not self._ended or len(self._found) > 0

    def exclude(self, key: bytes) -> bool:
        """Take ``key`` out of the walk; True if it was in it and was not taken."""
        if key in self._found:
            del self._found[key]
            return True
        if self._ended or key in self._excluded or (self._cursor and self._db.values.is_passed(key, self._cursor)):
            return False
        self._excluded[key] = None
        return self._db.values.has(key)
