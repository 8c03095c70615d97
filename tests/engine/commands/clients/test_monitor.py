"""MONITOR."""

from tests.engine.in_process import Run


def test_monitors_see_commands_but_no_administration(run: Run) -> None:
    other = run.session()
    run("MONITOR")
    other("SET k v")
    other("CONFIG GET maxmemory")
    line = run.received()
    assert line.endswith(b'[0 127.0.0.1:50000] "SET" "k" "v"\r\n')
    assert line.count(b"\r\n") == 1
