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


def noted(run: Run, *durations_ms: int) -> None:
    """Let the event ``command`` be noted with these durations, a second apart."""
    run("CONFIG SET latency-monitor-threshold 1")
    for duration_ms in durations_ms:
        run.engine.latency_monitor.note(b"command", duration_ms * 1000, run.engine.now_ms)
        run.advance(1000)


def test_history_lists_samples_and_reset_forgets_them(run: Run) -> None:
    noted(run, 5, 9)
    assert run("LATENCY HISTORY command").startswith(b"*2\r\n*2\r\n:1700000000\r\n:5\r\n*2\r\n")
    assert run("LATENCY HISTORY nothing") == b"*0\r\n"
    assert run("LATENCY RESET nothing") == b":0\r\n"
    assert run("LATENCY RESET") == b":1\r\n"
    assert run("LATENCY LATEST") == b"*0\r\n"


def test_graph_draws_a_column_for_each_sample(run: Run) -> None:
    noted(run, 5, 9)
    graph = run("LATENCY GRAPH command")
    assert b"command - high 9 ms, low 5 ms (all time high 9 ms)" in graph
    assert b"\n #\n |\n |\n_|\n\n21\nss\n" in graph
    assert run("LATENCY GRAPH nothing") == b"-ERR No samples available for event 'nothing'\r\n"
    run.advance(3 * 86_400_000)
    assert b"33\ndd\n" in run("LATENCY GRAPH command")  # how old each is


def test_the_doctor_says_whether_anything_was_slow(run: Run) -> None:
    assert b"Latency monitoring is disabled in this Valkey instance" in run("LATENCY DOCTOR")
    run("CONFIG SET latency-monitor-threshold 1")
    assert b"no latency spike was observed" in run("LATENCY DOCTOR")
    noted(run, 5, 9)
    assert b"1. command: 2 latency spikes (average 7ms). Worst all time event 9ms." in run("LATENCY DOCTOR")
