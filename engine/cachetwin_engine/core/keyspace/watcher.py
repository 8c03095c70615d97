"""What a database keeps of a client that watches one of its keys or waits for one."""


class Watcher:
    """Base class of a client (``state.client.Client``)."""

    def __init__(self, number: int) -> None:
        self.id = number
        self.watch_broken = False  # a watched key changed: EXEC fails
        self.watched_expired: dict[tuple[int, bytes], bool] = {}  # watched keys that had expired by then
