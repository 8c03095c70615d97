"""NX, XX, GT and LT."""

from tests.engine.in_process import Run


def test_nx_and_xx_ask_whether_there_is_a_time_to_live(run: Run) -> None:
    run("SET k v")
    assert run("EXPIRE k 10 XX") == b":0\r\n"
    assert run("EXPIRE k 10 NX") == b":1\r\n"
    assert run("EXPIRE k 20 NX") == b":0\r\n"
    assert run("EXPIRE k 20 XX") == b":1\r\n"
    assert run("TTL k") == b":20\r\n"


def test_no_time_to_live_counts_as_endless_for_gt_and_lt(run: Run) -> None:
    run("SET k v")
    assert run("EXPIRE k 10 GT") == b":0\r\n"
    assert run("EXPIRE k 10 LT") == b":1\r\n"
    assert run("EXPIRE k 5 GT") == b":0\r\n"
    assert run("EXPIRE k 20 LT") == b":0\r\n"
    assert run("EXPIRE k 20 GT") == b":1\r\n"


def test_contradictory_conditions_are_refused(run: Run) -> None:
    assert run("EXPIRE k 10 NX GT").startswith(b"-ERR NX and XX, GT or LT options")
    assert run("EXPIRE k 10 GT LT").startswith(b"-ERR GT and LT options")
    assert run("EXPIRE k 10 AB") == b"-ERR Unsupported option AB\r\n"
