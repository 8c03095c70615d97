"""Hosts of an engine in this process that fail or can be looked at."""

from tests.engine.in_process import Run

from cachetwin_engine.core.state.host import Host


class FullDisk(Host):
    """A host that can't write a file."""

    def finish_dump(self) -> str:
        return "no space left on device"


class OtherClient(Host):
    """Serves another client whenever a script lets it."""

    def __init__(self, other: Run, requests: list[str]) -> None:
        super().__init__()
        self.other = other
        self.requests = requests
        self.replies: list[bytes] = []

    def serve_others(self) -> None:
        if self.requests:
            self.replies.append(self.other(self.requests.pop(0)))


class KeepsItsLog(Host):
    """A host whose log can be read."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def log(self, text: str) -> None:
        self.lines.append(text)


def busy(run: Run, *requests: str) -> OtherClient:
    """From now on every script runs for too long at once, and another client sends ``requests`` meanwhile."""
    host = OtherClient(run.session(), list(requests))
    run.engine.config.server.busy_reply_threshold_ms = 0
    run.engine.host = host
    return host
