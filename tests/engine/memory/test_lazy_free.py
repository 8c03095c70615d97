"""Large values are freed later and counted."""

from tests.engine.in_process import Run


def test_large_values_count_as_freed_in_the_background(run: Run) -> None:
    run.args("SADD", "large", *[f"member-{number}" for number in range(300)])
    run("SADD small a b c")
    run("DEL large small")
    assert b"lazyfreed_objects:1\r\n" in run("INFO memory")
    run("MSET a 1 b 2")
    run("FLUSHDB ASYNC")
    assert b"lazyfreed_objects:3\r\n" in run("INFO memory")
    run("CONFIG RESETSTAT")
    assert b"lazyfreed_objects:0\r\n" in run("INFO memory")


def test_only_unlink_frees_in_the_background_when_del_must_not(run: Run) -> None:
    run("CONFIG SET lazyfree-lazy-user-del no")
    for order in ("DEL", "UNLINK"):
        run.args("SADD", "large", *[f"member-{number}" for number in range(300)])
        run(f"{order} large")
    assert b"lazyfreed_objects:1\r\n" in run("INFO memory")
