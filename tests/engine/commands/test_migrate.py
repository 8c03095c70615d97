"""MIGRATE from an engine to another one, both in this process; ``server/test_migrate`` has sockets between them."""

import pytest
from tests.engine.in_process import Run, StartRun

from cachetwin_engine.core.state.host import Host

OK = b"+OK\r\n"


class Neighbour(Host):
    """A host that reaches one other engine; ``replies_max`` cuts the connection after so many replies."""

    def __init__(self, target: Run) -> None:
        super().__init__()
        self.target = target
        self.replies_max = 1 << 30
        self.asked: list[tuple[str, str, int]] = []

    def ask(self, host: str, port: str, request: bytes, count: int, timeout_ms: int) -> tuple[list[bytes], str]:
        """Let the other engine answer all of it at once."""
        self.asked.append((host, port, timeout_ms))
        client = self.target.session()
        replies = client.client.feed(request).split(b"\r\n")[:-1]
        client.close()
        assert len(replies) == count
        cut = len(replies) > self.replies_max
        return replies[: self.replies_max], "reading from the client" if cut else ""


@pytest.fixture
def target(start_run: StartRun) -> Run:
    """A client of the engine that keys move to."""
    return start_run()


@pytest.fixture
def neighbour(run: Run, target: Run) -> Neighbour:
    """What the source reaches the target by."""
    host = Neighbour(target)
    run.engine.host = host
    return host


def test_a_key_moves_with_its_time_to_live(run: Run, target: Run, neighbour: Neighbour) -> None:
    run("RPUSH list a b")
    run("PEXPIRE list 5000")
    run.replicate()
    assert run("MIGRATE there 7000 list 3 250") == OK
    assert neighbour.asked == [("there", "7000", 250)]
    assert run("EXISTS list") == b":0\r\n"
    assert run.propagated() == [(0, [b"DEL", b"list"])]
    target("SELECT 3")
    assert target("LRANGE list 0 -1") == b"*2\r\n$1\r\na\r\n$1\r\nb\r\n"
    assert target("PTTL list") == b":5000\r\n"


def test_copy_keeps_the_key_and_replace_overwrites(run: Run, target: Run, neighbour: Neighbour) -> None:
    run("SET k here")
    target("SET k there")
    run.replicate()
    refused = b"-ERR Target instance replied with error: BUSYKEY Target key name already exists.\r\n"
    assert run("MIGRATE there 7000 k 0 0 COPY") == refused
    assert run("MIGRATE there 7000 k 0 0 COPY REPLACE") == OK
    assert run("GET k") == target("GET k") == b"$4\r\nhere\r\n"
    assert run.propagated() == []
    assert neighbour.asked[0][2] == 1000  # what 0 means


def test_several_keys_move_and_missing_ones_are_left_out(run: Run, target: Run, neighbour: Neighbour) -> None:
    run("MSET a 1 b 2")
    run.replicate()
    assert run('MIGRATE there 7000 "" 0 100 KEYS a none b') == OK
    assert run.propagated() == [(0, [b"DEL", b"a", b"b"])]
    assert target("MGET a b none") == b"*3\r\n$1\r\n1\r\n$1\r\n2\r\n$-1\r\n"


def test_without_any_key_nobody_is_asked(run: Run, neighbour: Neighbour) -> None:
    assert run("MIGRATE there 7000 none 0 100") == b"+NOKEY\r\n"
    assert run('MIGRATE there 7000 "" 0 100 KEYS none nothing') == b"+NOKEY\r\n"
    assert neighbour.asked == []


def test_of_several_keys_only_those_that_arrived_go(run: Run, target: Run, neighbour: Neighbour) -> None:
    run("MSET a 1 b 2 c 3")
    target("SET b taken")
    assert b"BUSYKEY" in run('MIGRATE there 7000 "" 0 100 KEYS a b c')
    assert run("EXISTS a") == run("EXISTS c") == b":0\r\n"
    assert run("GET b") == b"$1\r\n2\r\n"
    run("MSET a 1 d 4")
    target("DEL a")
    neighbour.replies_max = 2  # SELECT and the first RESTORE
    cut = b"-IOERR error or timeout reading from the client\r\n"
    assert run('MIGRATE there 7000 "" 0 100 KEYS a d') == cut
    assert run("MGET a d") == b"*2\r\n$-1\r\n$1\r\n4\r\n"


def test_logins_come_first_and_a_refused_one_leaves_the_keys(run: Run, target: Run, neighbour: Neighbour) -> None:
    target("ACL SETUSER alice on >secret ~* +@all")
    target("CONFIG SET requirepass word")
    run("SET k v")
    assert run("MIGRATE there 7000 k 0 100").startswith(b"-ERR Target instance replied with error: NOAUTH")
    assert run("MIGRATE there 7000 k 0 100 AUTH wrong").startswith(
        b"-ERR Target instance replied with error: WRONGPASS"
    )
    assert run("MIGRATE there 7000 k 99 100 AUTH word").startswith(
        b"-ERR Target instance replied with error: ERR DB index"
    )
    assert run("GET k") == b"$1\r\nv\r\n"
    assert run("MIGRATE there 7000 k 0 100 COPY REPLACE AUTH word") == OK
    assert run("MIGRATE there 7000 k 0 100 REPLACE AUTH2 alice secret") == OK
    assert run("EXISTS k") == b":0\r\n"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("k 0 x", b"-ERR value is not an integer or out of range\r\n"),
        ("k x 0", b"-ERR value is not an integer or out of range\r\n"),
        ("k 0 0 NO", b"-ERR syntax error\r\n"),
        ("k 0 0 AUTH", b"-ERR syntax error\r\n"),
        ("k 0 0 AUTH2 name", b"-ERR syntax error\r\n"),
        (
            "k 0 0 KEYS k",
            b"-ERR When using MIGRATE KEYS option, the key argument must be set to the empty string\r\n",
        ),
    ],
)
def test_refusals(run: Run, words: str, error: bytes) -> None:
    run("SET k v")
    assert run(f"MIGRATE there 7000 {words}") == error


def test_a_host_that_reaches_nobody_says_so(run: Run) -> None:
    run("SET k v")
    assert run("MIGRATE nowhere 1 k 0 10") == b"-IOERR error or timeout connecting to the client\r\n"
    assert run("EXISTS k") == b":1\r\n"
