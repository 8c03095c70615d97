"""LATENCY: events and histograms."""

from tests.engine.in_process import Run, StartRun


def test_histograms_count_calls(run: Run) -> None:
    run("SET k v")
    run("SET k v")
    assert b"$3\r\nset\r\n*4\r\n$5\r\ncalls\r\n:2\r\n" in run("LATENCY HISTOGRAM set")


def test_latency_latest_sums_up_from_8_1_on(start_run: StartRun) -> None:
    for profile, fields in (("valkey-8.1", 6), ("redis-7.1", 4)):
        run = start_run(profile)
        run("CONFIG SET latency-monitor-threshold 1")
        run.engine.latency_monitor.note(b"command", 2000, run.engine.now_ms)
        assert run("LATENCY LATEST").startswith(b"*1\r\n*%d\r\n" % fields)


def test_the_latency_monitor_notes_long_rounds_of_expiry(run: Run) -> None:
    run("CONFIG SET latency-monitor-threshold 1")
    run("SET k v PX 10")
    run.advance_silently(11)
    run.clock.step_us = 2000
    run.advance(0)
    run.clock.step_us = 0
    assert b"$12\r\nexpire-cycle\r\n" in run("LATENCY LATEST")
