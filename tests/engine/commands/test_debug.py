"""DEBUG."""

from tests.engine.in_process import Run


def test_debug_is_closed_unless_it_was_opened(run: Run) -> None:
    assert run("DEBUG DIGEST").startswith(b"-ERR DEBUG command not allowed.")
