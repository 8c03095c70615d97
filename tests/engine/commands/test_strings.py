"""Strings on the wire."""

from tests.engine.commands.conftest import Run

from cachetwin_engine.core.replies import bulk


def test_get_answers_what_set_stored(run: Run) -> None:
    assert run("SET k first") == b"+OK\r\n"
    assert run("GET k") == bulk(b"first")
