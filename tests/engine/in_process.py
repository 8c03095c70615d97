"""An engine in this process under a clock that the test moves, and clients that speak the wire to it."""

from collections.abc import Callable

from cachetwin_engine.core.config.config import Config
from cachetwin_engine.core.config.profile import PROFILES
from cachetwin_engine.core.engine import Engine
from cachetwin_engine.core.execution.session import Session
from cachetwin_engine.core.protocol.resp import RespParser

START_US = 1_700_000_000_000_000  # any Unix time will do, as long as it is the same in every run

Word = bytes | str | int | float


def encode(words: tuple[Word, ...]) -> bytes:
    """One request as an array of bulk strings."""
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


class Clock:
    """Unix time that stands still until it is moved: nanoseconds, as the engine reads it."""

    def __init__(self) -> None:
        self.now_us = START_US
        self.step_us = 0  # passes with every reading, for tests of what measures how long something takes

    def __call__(self) -> int:
        self.now_us += self.step_us
        return self.now_us * 1000


class Run:
    """A client: ``run("SET k v")`` sends the words as an inline request and answers the raw reply."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self.engine = engine
        self.clock = clock
        self.client: Session = engine.open_session("127.0.0.1:50000", "127.0.0.1:6379")

    def __call__(self, line: str) -> bytes:
        """The reply to ``line``; quotes and ``\\x00`` escapes work as in redis-cli. Empty while the client blocks."""
        return self.client.feed(line.encode() + b"\r\n")

    def args(self, *words: Word) -> bytes:
        """The reply to the request of these words, which may hold any bytes."""
        return self.client.feed(encode(words))

    def received(self) -> bytes:
        """What arrived that was no reply to a request of this client: messages, the end of a wait."""
        self.engine.clients.take_pending()
        return self.client.take_output()

    def replicate(self) -> None:
        """From now on, keep what replicas are to be told."""
        self.engine.replication.keep_backlog()

    def propagated(self) -> list[tuple[int, list[bytes]]]:
        """What replicas were told since ``replicate``, and for which database; without what binds changes together."""
        backlog = self.engine.replication.backlog
        assert backlog is not None
        parser = RespParser(1 << 29)
        parser.feed(backlog.since(backlog.first))
        found: list[tuple[int, list[bytes]]] = []
        index = 0
        while (args := parser.next_command()) is not None:
            if args[0] == b"SELECT":
                index = int(args[1])
            elif args[0] not in {b"MULTI", b"EXEC", b"PING"}:
                found.append((index, args))
        return found

    def session(self) -> "Run":
        """Another client of the same engine."""
        return Run(self.engine, self.clock)

    def resp3(self) -> "Run":
        """Let this client speak RESP3 from now on."""
        self.client.context.use_protocol(3)
        return self

    def advance(self, ms: int) -> None:
        """Let time pass: jump, and let the engine notice once."""
        self.clock.now_us += ms * 1000
        self.engine.tick()

    def advance_silently(self, ms: int) -> None:
        """Let time pass without the engine's periodic work: what is due goes only when somebody looks."""
        self.clock.now_us += ms * 1000

    @property
    def now_ms(self) -> int:
        """Unix time in milliseconds."""
        return self.clock.now_us // 1000

    def close(self) -> None:
        """Hang up."""
        self.engine.close_session(self.client)


StartRun = Callable[..., Run]


def start(profile: str = "valkey-8.1", config: Config | None = None) -> Run:
    """A client of a fresh engine."""
    clock = Clock()
    return Run(Engine(PROFILES[profile], clock, 7, config), clock)
