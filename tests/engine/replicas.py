"""Primaries and replicas as engines in this process: what one writes is what the other reads, byte by byte if need be."""

from collections.abc import Callable

from tests.engine.in_process import Run, StartRun

from cachetwin_engine.core.commands.digest import digest_of_data
from cachetwin_engine.core.execution.session import Session
from cachetwin_engine.core.protocol.resp import RespParser
from cachetwin_engine.core.replication.primary_link import PrimaryLink

ROUNDS_MAX = 1000


class Wire:
    """The connection between a primary and the replica that asked for it; ``deliver`` lets everything arrive."""

    def __init__(self, primary: Run, replica: Run) -> None:
        self.primary = primary
        self.replica = replica
        link = replica.engine.replication.link
        assert link is not None
        self.link: PrimaryLink = link
        self.step = 1 << 20
        self.client: Session | None = None

    def connect(self) -> None:
        """Make the connection that the replica wants."""
        self.replica.engine.start_turn()
        assert self.link.wants_connection()
        self.link.connecting()
        self.client = self.primary.engine.open_session("127.0.0.1:40000", "127.0.0.1:6379")
        self.link.connected("127.0.0.1:6379", "127.0.0.1:40000")

    def cut(self) -> None:
        """The connection breaks."""
        assert self.client is not None
        self.primary.engine.close_session(self.client)
        self.client = None
        self.link.lost("cut")

    def deliver(self) -> None:
        """Carry bytes both ways, and do background work, until nobody has anything to say."""
        assert self.client is not None
        engine, other = self.primary.engine, self.replica.engine
        for _ in range(ROUNDS_MAX):
            engine.work(engine.clock() + 1_000_000)
            other.work(other.clock() + 1_000_000)
            engine.clients.take_pending()
            down = self.client.take_output()
            for at in range(0, len(down), self.step):
                self.link.feed(down[at : at + self.step])
            up = self.link.take_output()
            if up:
                reply = self.client.feed(up)
                for at in range(0, len(reply), self.step):
                    self.link.feed(reply[at : at + self.step])
            if not (down or up or engine.has_work() or other.has_work()):
                return
        raise AssertionError("they never stop talking")


Follow = Callable[..., Wire]


def follower_of(start_run: StartRun) -> Follow:
    """What starts fresh replicas of a primary, up to date."""

    def start(primary: Run, profile: str = "valkey-8.1") -> Wire:
        replica = start_run(profile)
        replica.clock.now_us = primary.clock.now_us
        assert replica("REPLICAOF 127.0.0.1 6379") == b"+OK\r\n"
        wire = Wire(primary, replica)
        wire.connect()
        wire.deliver()
        return wire

    return start


def digest(run: Run) -> bytes:
    return digest_of_data(run.engine.databases)


def fill(run: Run) -> None:
    """Some of every kind, in two databases."""
    run("SET s text")
    run("SET n 12")
    run("APPEND a edited")
    run.args("SET", "big", "x" * 100_000)
    for number in range(300):
        run(f"RPUSH l {number}")
        run(f"HSET h f{number} v{number}")
        run(f"ZADD z {number}.5 m{number}")
        run(f"SADD t m{number}")
        run(f"XADD x {number + 1}-1 field {number}")
    run("HSET small a 1")
    run("SADD ints 1 2 3")
    run("ZADD pair 1 a 2 b")
    run("XGROUP CREATE x g 5-1")
    run("XREADGROUP GROUP g alice COUNT 3 STREAMS x >")
    run("PEXPIRE s 50000")
    run("SELECT 3")
    run("SET elsewhere 1")
    run("SELECT 0")
    code = "server.register_function{function_name='f', callback=function() return 7 end, flags={'no-writes'}}"
    run.args("FUNCTION", "LOAD", "#!lua name=lib\n" + code)


def finish(run: Run) -> None:
    """Let background work come to its end."""
    for _ in range(ROUNDS_MAX):
        if not run.engine.has_work():
            return
        run.engine.work(run.engine.clock() + 1_000_000)
    raise AssertionError("the work never ends")


def stream(run: Run) -> list[list[bytes]]:
    """All commands that replicas were told."""
    backlog = run.engine.replication.backlog
    assert backlog is not None
    parser = RespParser(1 << 29)
    parser.feed(backlog.since(backlog.first))
    commands: list[list[bytes]] = []
    while (args := parser.next_command()) is not None:
        commands.append(args)
    return commands


def words(commands: list[list[bytes]]) -> list[str]:
    return [" ".join(word.decode() for word in command) for command in commands]
