"""IAM users: what a token has to be, who may log in with it, and for how long."""

from collections.abc import Callable

import pytest
from tests.engine.hosts import KeepsItsLog
from tests.engine.in_process import Run, StartRun
from tests.engine.tokens import KEY, REGION, SECRET, SESSION, presigned

from cachetwin_engine.core.acl.access import Permission
from cachetwin_engine.core.acl.iam import IamAccess, IamKey
from cachetwin_engine.core.execution.logins import set_user_group

WRONGPASS = b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"
TWELVE_HOURS_MS = 12 * 3600 * 1000
REFUSALS = {b"app": b"", b"admin": b"no policy allows elasticache:Connect on the user admin"}


def with_iam(run: Run, *, serverless: bool = False) -> Run:
    """A client of an engine with the IAM users app, admin and idle."""
    users = [
        Permission(b"app", b"on ~* +@all", b"iam", []),
        Permission(b"admin", b"on ~* +@all", b"iam", []),
        Permission(b"idle", b"off ~* +@all", b"iam", []),
        Permission(b"robot", b"on ~* +@all", b"password", [b"a-long-password-1"]),
    ]
    key = IamKey(SECRET.encode(), SESSION.encode(), REFUSALS)
    run.engine.acl.iam = IamAccess(b"sessions", serverless, REGION.encode(), {KEY.encode(): key})
    set_user_group(run.engine, users)
    return run.session()


@pytest.fixture
def logged(run: Run) -> list[str]:
    """What the engine writes to its log."""
    host = KeepsItsLog()
    run.engine.host = host
    return host.lines


def test_a_token_logs_in_by_auth_and_by_hello(run: Run) -> None:
    client = with_iam(run)
    token = presigned("sessions", "app", now_ms=run.now_ms)
    assert client("PING") == b"-NOAUTH Authentication required.\r\n"
    assert client.args("AUTH", "app", token) == b"+OK\r\n"
    assert client("ACL WHOAMI") == b"$3\r\napp\r\n"
    other = run.session()
    assert other.args("HELLO", "3", "AUTH", "app", token).startswith(b"%")
    assert other("ACL WHOAMI") == b"$3\r\napp\r\n"


def test_the_token_of_a_serverless_cache_names_the_kind(run: Run) -> None:
    client = with_iam(run, serverless=True)
    assert client.args("AUTH", "app", presigned("sessions", "app", now_ms=run.now_ms)) == WRONGPASS
    token = presigned("sessions", "app", now_ms=run.now_ms, serverless=True)
    assert client.args("AUTH", "app", token) == b"+OK\r\n"


def tampered(token: str) -> str:
    last = "0" if token[-1] != "0" else "1"
    return token[:-1] + last


CASES: dict[str, tuple[Callable[[int], str], str, str]] = {
    "no request": (lambda _now: "a-long-password-1", "app", "the password is no presigned request"),
    "cache": (lambda now: presigned("other", "app", now_ms=now), "app", "is for the cache other, and this is sessions"),
    "upper case": (lambda now: presigned("Sessions", "app", now_ms=now), "app", "is for the cache Sessions"),
    "user": (lambda now: presigned("sessions", "admin", now_ms=now), "app", "the token is for the user admin"),
    "kind": (
        lambda now: presigned("sessions", "app", now_ms=now, serverless=True),
        "app",
        "ResourceType belongs to the token for a serverless cache, got ServerlessCache",
    ),
    "action": (
        lambda now: presigned("sessions", "app", now_ms=now, action="describe"),
        "app",
        "Action must be connect, got describe",
    ),
    "region": (
        lambda now: presigned("sessions", "app", now_ms=now, region="eu-west-1"),
        "app",
        "signed for the region eu-west-1, and this is us-east-1",
    ),
    "service": (
        lambda now: presigned("sessions", "app", now_ms=now, service="s3express"),
        "app",
        "the token is signed for the service s3express",
    ),
    "age": (
        lambda now: presigned("sessions", "app", now_ms=now - 901_000),
        "app",
        "the token is 901 seconds old, and was valid for 900",
    ),
    "life": (
        lambda now: presigned("sessions", "app", now_ms=now, expires_s=901),
        "app",
        "X-Amz-Expires must be between 1 and 900, got 901",
    ),
    "short life": (
        lambda now: presigned("sessions", "app", now_ms=now - 61_000, expires_s=60),
        "app",
        "the token is 61 seconds old, and was valid for 60",
    ),
    "future": (
        lambda now: presigned("sessions", "app", now_ms=now + 301_000),
        "app",
        "the token is dated in the future",
    ),
    "key": (
        lambda now: presigned("sessions", "app", now_ms=now, credentials=("AKIAUNKNOWN", SECRET, SESSION)),
        "app",
        "nobody here has the access key AKIAUNKNOWN",
    ),
    "secret": (
        lambda now: presigned("sessions", "app", now_ms=now, credentials=(KEY, "other", SESSION)),
        "app",
        "the signature is wrong",
    ),
    "session": (
        lambda now: presigned("sessions", "app", now_ms=now, credentials=(KEY, SECRET, "other")),
        "app",
        "the session token is not that of the access key",
    ),
    "signature": (lambda now: tampered(presigned("sessions", "app", now_ms=now)), "app", "the signature is wrong"),
    "changed": (
        lambda now: presigned("sessions", "app", now_ms=now).replace("Expires=900", "Expires=899"),
        "app",
        "the signature is wrong",
    ),
    "twice": (
        lambda now: presigned("sessions", "app", now_ms=now) + "&Action=connect",
        "app",
        "Action must be connect, got ",
    ),
    "policy": (
        lambda now: presigned("sessions", "admin", now_ms=now),
        "admin",
        "no policy allows elasticache:Connect on the user admin",
    ),
    "off": (lambda now: presigned("sessions", "idle", now_ms=now), "idle", "the user is off"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_client_learns_nothing_and_the_log_has_the_reason(run: Run, logged: list[str], case: str) -> None:
    make, user, reason = CASES[case]
    client = with_iam(run)
    token = make(run.now_ms)
    assert client.args("AUTH", user, token) == WRONGPASS
    (line,) = logged
    assert line.startswith(f"IAM login of user {user} refused: ")
    assert reason in line
    assert token not in line
    assert "Signature=" not in line


def test_a_token_in_the_wrong_place_is_not_logged(run: Run, logged: list[str]) -> None:
    client = with_iam(run)
    token = presigned("sessions", "app", now_ms=run.now_ms)
    assert client.args("AUTH", "app", f"sessions/?Action={token.replace('&', '%26')}") == WRONGPASS
    assert client.args("AUTH", "app", f"{token}/?Action=connect") == WRONGPASS
    assert not any("Amz-Signature" in line or "X-Amz-Security" in line for line in logged)


@pytest.mark.parametrize(
    "token", ["/?", "sessions/?", "sessions/?%zz=%&&=", "sessions/?Action=connect&User=app", "%/?%"]
)
def test_any_password_is_answered(run: Run, token: str) -> None:
    assert with_iam(run).args("AUTH", "app", token) == WRONGPASS


def test_a_date_that_is_none_is_refused(run: Run, logged: list[str]) -> None:
    client = with_iam(run)
    token = presigned("sessions", "app", now_ms=run.now_ms)
    at = token.index("X-Amz-Date=") + len("X-Amz-Date=")
    for date in ("20231399T250000Z", "2023", "20231114T2213200Z0", "yyyymmddThhmmssZ"):
        day = token.replace(token[at : at + 8], date[:8])
        assert client.args("AUTH", "app", day[:at] + date + day[at + 16 :]) == WRONGPASS
    assert any("X-Amz-Date must be a time" in line for line in logged)


def test_leap_days_and_ends_of_years_are_counted(run: Run) -> None:
    client = with_iam(run)
    for date_ms in (1_709_164_799_000, 1_709_251_199_000, 1_735_689_599_000, 4_102_444_800_000):
        run.clock.now_us = date_ms * 1000
        assert client.args("AUTH", "app", presigned("sessions", "app", now_ms=date_ms)) == b"+OK\r\n"


def test_a_wrong_token_is_in_the_acl_log_and_a_password_user_is_not_affected(run: Run) -> None:
    client = with_iam(run)
    client.args("AUTH", "app", "x")
    assert client.args("AUTH", "robot", "a-long-password-1") == b"+OK\r\n"
    assert b"auth" in client("ACL LOG")
    assert client.args("AUTH", "robot", presigned("sessions", "robot", now_ms=run.now_ms)) == WRONGPASS


def test_without_credentials_nobody_logs_in(run: Run, logged: list[str]) -> None:
    client = with_iam(run)
    run.engine.acl.iam = None
    assert client.args("AUTH", "app", presigned("sessions", "app", now_ms=run.now_ms)) == WRONGPASS
    assert logged == ["IAM login of user app refused: this node knows no credentials"]


def test_there_is_no_login_with_a_token_inside_a_transaction(run: Run, logged: list[str]) -> None:
    client = with_iam(run)
    token = presigned("sessions", "app", now_ms=run.now_ms)
    client.args("AUTH", "app", token)
    client("MULTI")
    assert client.args("AUTH", "app", token) == b"+QUEUED\r\n"
    assert client("EXEC") == b"*1\r\n" + WRONGPASS
    assert "MULTI" in logged[0]


def test_a_connection_ends_after_twelve_hours(run: Run) -> None:
    client = with_iam(run)
    client.args("AUTH", "app", presigned("sessions", "app", now_ms=run.now_ms))
    run.advance(TWELVE_HOURS_MS - 1)
    assert client("PING") == b"+PONG\r\n"
    run.advance(1)
    assert client.client.closing
    assert client.client.end_reason == b"its login with an IAM token has ended"
    assert client.client not in run.engine.clients.connected.values()


def test_auth_and_hello_prolong_a_connection(run: Run) -> None:
    client, other = with_iam(run), run.session()
    for each in (client, other):
        each.args("AUTH", "app", presigned("sessions", "app", now_ms=run.now_ms))
    run.advance(TWELVE_HOURS_MS - 60_000)
    assert client.args("HELLO", "2", "AUTH", "app", presigned("sessions", "app", now_ms=run.now_ms)).startswith(b"*")
    run.advance(60_000)
    assert other.client.closing
    assert client("PING") == b"+PONG\r\n"
    run.advance(TWELVE_HOURS_MS)
    assert client.client.closing


def test_a_refused_token_does_not_end_a_login(run: Run) -> None:
    client = with_iam(run)
    client.args("AUTH", "app", presigned("sessions", "app", now_ms=run.now_ms))
    assert client.args("AUTH", "app", "x") == WRONGPASS
    assert client("PING") == b"+PONG\r\n"


def test_another_login_has_no_end(run: Run) -> None:
    client, other = with_iam(run), run.session()
    for each in (client, other):
        each.args("AUTH", "app", presigned("sessions", "app", now_ms=run.now_ms))
    client.args("AUTH", "robot", "a-long-password-1")
    other("RESET")
    run.advance(TWELVE_HOURS_MS)
    assert client("PING") == b"+PONG\r\n"
    assert not other.client.closing


def test_a_client_that_waits_is_disconnected_as_well(run: Run) -> None:
    client = with_iam(run)
    client.args("AUTH", "app", presigned("sessions", "app", now_ms=run.now_ms))
    assert client("BLPOP list 0") == b""
    run.advance(TWELVE_HOURS_MS)
    assert client.client.closing
    assert run.engine.clients.blocked == {}


def test_a_closed_connection_leaves_no_login(run: Run) -> None:
    client = with_iam(run)
    client.args("AUTH", "app", presigned("sessions", "app", now_ms=run.now_ms))
    client.close()
    assert run.engine.clients.login_ends == {}


def test_a_user_that_leaves_the_group_is_disconnected(run: Run) -> None:
    client = with_iam(run)
    client.args("AUTH", "app", presigned("sessions", "app", now_ms=run.now_ms))
    set_user_group(run.engine, [])
    assert client.client.closing


def test_a_moved_clock_ends_what_is_due_and_breaks_no_link(start_run: StartRun, run: Run) -> None:
    client = with_iam(run)
    client.args("AUTH", "app", presigned("sessions", "app", now_ms=run.now_ms))
    client("SET k v EX 60")
    earlier = run.clock
    moves = [(run.now_ms, TWELVE_HOURS_MS)]
    run.engine.move_clock(lambda: earlier() + TWELVE_HOURS_MS * 1_000_000, TWELVE_HOURS_MS, moves)
    assert client.client.closing
    assert run.session().args("AUTH", "robot", "a-long-password-1") == b"+OK\r\n"
    assert run.engine.statistics.expired_keys == 1


def test_a_token_is_as_old_as_the_moved_clock_says(run: Run) -> None:
    client = with_iam(run)
    before = presigned("sessions", "app", now_ms=run.now_ms)
    machine = run.clock
    run.clock.now_us += 5_000_000
    moves = [(run.now_ms, 600_000), (run.now_ms, 900_000)]
    run.engine.move_clock(lambda: machine() + 900_000_000_000, 900_000, moves)
    assert client.args("AUTH", "app", before) == WRONGPASS, "905 seconds old there"
    assert client.args("AUTH", "app", presigned("sessions", "app", now_ms=run.now_ms)) == b"+OK\r\n"
    same_second = run.now_ms // 1000 * 1000
    assert client.args("AUTH", "app", presigned("sessions", "app", now_ms=same_second)) == b"+OK\r\n"
