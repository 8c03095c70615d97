"""Passwords and rights never reach a log or a monitor."""

import pytest
from tests.engine.in_process import Run

from cachetwin_engine.core.admin.elasticache import rename_commands_of
from cachetwin_engine.core.registry.redaction import shown


@pytest.mark.parametrize(
    ("request_words", "seen"),
    [
        ("AUTH secret", "AUTH (redacted)"),
        ("auth alice secret", "auth (redacted) (redacted)"),
        ("HELLO 3 AUTH alice secret SETNAME me", "HELLO 3 AUTH (redacted) (redacted) SETNAME me"),
        ("HELLO 3 AUTH alice", "HELLO 3 AUTH (redacted)"),
        ("ACL SETUSER alice on >secret", "ACL SETUSER (redacted) (redacted) (redacted)"),
        ("acl getuser alice", "acl getuser (redacted)"),
        ("CONFIG SET requirepass secret maxmemory 0", "CONFIG SET requirepass (redacted) maxmemory 0"),
        ("ACL WHOAMI", "ACL WHOAMI"),
        ("SET auth secret", "SET auth secret"),
    ],
)
def test_what_others_may_see_of_a_request(request_words: str, seen: str) -> None:
    assert b" ".join(shown(request_words.encode().split())) == seen.encode()


def test_the_slow_log_and_monitors_do_not_see_passwords(run: Run) -> None:
    run("CONFIG SET slowlog-log-slower-than 0")
    watcher = run.session()
    watcher("MONITOR")
    run("ACL SETUSER alice on >open-sesame ~* +@all")
    run("AUTH alice open-sesame")
    run("HELLO 3 AUTH alice open-sesame")
    assert b"open-sesame" not in watcher.received()
    assert b"open-sesame" not in run("SLOWLOG GET -1")
    assert b"(redacted)" in run("SLOWLOG GET -1")


def test_a_command_under_another_name_keeps_its_secrets(run: Run) -> None:
    run("CONFIG SET slowlog-log-slower-than 0")
    rename_commands_of(run.engine, "AUTH LOGIN CONFIG SETTINGS")
    monitor = run.session()
    monitor("MONITOR")
    run("LOGIN default open-sesame")
    run("SETTINGS SET requirepass open-sesame")
    assert b"open-sesame" not in run("SLOWLOG GET") + monitor.received()
