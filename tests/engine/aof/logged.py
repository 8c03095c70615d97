"""Engines in this process with an append-only file, whose files stay in memory (``state.log_files``)."""

from tests.engine.in_process import Run, start

from cachetwin_engine.core.config.config import Config
from cachetwin_engine.core.config.profile import PROFILES
from cachetwin_engine.core.state.log_files import LogFiles


def begin(files: LogFiles | None = None, **parameters: str) -> Run:
    """A client of an engine with ``appendonly yes`` that starts with these files."""
    config = Config(PROFILES["valkey-8.1"])
    for name, value in {"appendonly": "yes", **parameters}.items():
        config.set_at_start(name.replace("_", "-"), value)
    run = start("valkey-8.1", config)
    if files is not None:
        run.engine.host.log_files = files
    run.engine.log_loader.read_manifest()
    run.engine.log_loader.start()
    return run


def again(run: Run, **parameters: str) -> Run:
    """Another engine that starts with the files of ``run``'s, as after a crash."""
    return begin(run.engine.host.log_files, **parameters)


def written(run: Run, name: bytes = b"appendonly.aof.1.incr.aof") -> bytes:
    """What a file has."""
    return run.engine.host.log_files.read(name, 0, -1)


def commands(run: Run, name: bytes = b"appendonly.aof.1.incr.aof") -> list[str]:
    """The commands in a file, as words."""
    lines = written(run, name).split(b"\r\n")
    found: list[str] = []
    at = 0
    while at < len(lines) - 1:
        if lines[at].startswith(b"#"):
            found.append(lines[at].decode())
            at += 1
            continue
        count = int(lines[at][1:])
        found.append(b" ".join(lines[at + 2 : at + 2 + 2 * count : 2]).decode())
        at += 1 + 2 * count
    return found


def rewrite(run: Run) -> None:
    """BGREWRITEAOF, to its end."""
    assert run("BGREWRITEAOF").startswith(b"+Background append only file rewriting started")
    finish(run)


def finish(run: Run) -> None:
    """Let what goes on in the background come to its end."""
    while run.engine.has_work():
        run.engine.work(run.engine.clock() + 1_000_000)
    run.advance(100)
