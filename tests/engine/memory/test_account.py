"""The sum of what keys and values take, kept with each change."""

from tests.engine.in_process import Run, StartRun


def used(run: Run) -> int:
    return run.engine.used_memory()


def limit(run: Run, policy: str, spare_bytes: int) -> None:
    """Let the engine have ``spare_bytes`` more than it uses now."""
    run(f"CONFIG SET maxmemory-policy {policy}")
    assert run(f"CONFIG SET maxmemory {used(run) + spare_bytes}") == b"+OK\r\n"


def fill(run: Run, count: int, options: str = "") -> None:
    for number in range(count):
        run(f"SET key:{number} {'x' * 100} {options}")


def test_the_running_sum_stays_what_a_fresh_count_gives(run: Run) -> None:
    limit(run, "allkeys-lru", 10_000_000)
    for number in range(300):
        run(f"SET s{number} {'x' * number}")
        run(f"APPEND s{number // 2} more")
        run(f"RPUSH l{number % 7} {number} {'y' * (number % 90)}")
        run(f"HSET h{number % 5} f{number} v")
        run(f"SADD m{number % 3} {number}")
        run(f"ZADD z{number % 3} {number} {number}")
        run(f"EXPIRE s{number % 50} 100")
        run(f"LPOP l{number % 4}")
        run(f"DEL s{number % 90}")
        run(f"RENAME s{number} r{number}")
        run(f"XADD x * a {number}")
    running = used(run)
    run("CONFIG SET maxmemory 0")
    run("CONFIG SET maxmemory 100mb")
    assert used(run) == running
    run("FLUSHALL")
    empty = used(run)
    run("CONFIG SET maxmemory 0")
    assert used(run) == empty


def test_the_running_sum_holds_in_valkey_9_1(start_run: StartRun) -> None:
    run = start_run("valkey-9.1")
    limit(run, "allkeys-random", 1_000_000)
    fill(run, 100)
    run("RPUSH list a b c")
    run("HSET hash f v")
    run("EXPIRE list 100")
    run(f"APPEND key:1 {'y' * 300}")
    run("RENAME key:2 another")
    run("DEL key:3")
    before = used(run)
    run.engine.account.count_again(run.engine)
    assert used(run) == before
