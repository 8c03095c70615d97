"""What a serverless cache refuses, and the processing units that it counts."""

import pytest
from tests.engine.in_process import Run, StartRun

from cachetwin_engine.core.admin.config_changes import follow_config
from cachetwin_engine.core.admin.serverless import RESTRICTED, become_serverless

TWO_KEYS = "return redis.call('get', KEYS[1])"


def serverless(run: Run, units_per_second_max: int = 0) -> Run:
    become_serverless(run.engine, units_per_second_max)
    return run.session()


def units(run: Run) -> int:
    assert run.engine.units is not None
    return run.engine.units.used


@pytest.mark.parametrize("name", [name.decode() for name in RESTRICTED])
def test_commands_and_sub_commands_are_unknown(run: Run, name: str) -> None:
    command, _, sub = name.partition("|")
    reply = serverless(run)(f"{command} {sub}" if sub else command)
    assert reply.startswith(b"-ERR unknown subcommand" if sub else b"-ERR unknown command")


@pytest.mark.parametrize("profile", ["valkey-7.2", "valkey-9.0", "redis-7.1"])
def test_every_version_can_be_serverless(start_run: StartRun, profile: str) -> None:
    client = serverless(start_run(profile))
    assert client("SET k v") == b"+OK\r\n"
    assert client("CONFIG GET x").startswith(b"-ERR unknown command")
    assert client("KEYS *").startswith(b"-ERR unknown command")


def test_what_is_not_in_the_list_stays(run: Run) -> None:
    client = serverless(run)
    assert client("CLIENT SETNAME app") == b"+OK\r\n"
    assert client("SUBSCRIBE c").startswith(b"*3")
    assert run.session()("SCAN 0").startswith(b"*2")


def test_a_script_needs_a_key(run: Run) -> None:
    client = serverless(run)
    client("SET k v")
    refusal = b"-ERR Lua scripts without any input keys are not supported.\r\n"
    for command in ("EVAL", "EVAL_RO"):
        assert client.args(command, TWO_KEYS, 1, "k") == b"$1\r\nv\r\n"
        assert client.args(command, "return 1", 0) == refusal
    assert client.args("EVALSHA", "0" * 40, 0) == refusal


def test_a_request_has_at_most_3999_arguments(run: Run) -> None:
    client = serverless(run)
    assert client.args("DEL", *(f"k{number}" for number in range(3999))) == b":0\r\n"
    refused = client.args("DEL", *(f"k{number}" for number in range(4000)))
    assert refused == b"-ERR too many arguments: at most 3999 in a request, got 4000\r\n"


def test_a_command_uses_a_unit_for_each_kilobyte_and_one_at_least(run: Run) -> None:
    client = serverless(run)
    client("PING")
    assert units(run) == 1
    client.args("SET", "k", b"x" * 3200)
    assert units(run) == 4, "3.1 kilobytes"
    client("GET k")
    assert units(run) == 7
    client("GET none")
    client("GET none")
    assert units(run) == 9
    client("NOSUCH")
    assert units(run) == 9, "what is refused uses nothing"


def test_commands_of_a_transaction_count(run: Run) -> None:
    client = serverless(run)
    for line in ("MULTI", "INCR n", "INCR n", "EXEC"):
        client(line)
    assert units(run) == 4


def test_a_limit_refuses_until_the_next_second(run: Run) -> None:
    client = serverless(run, 1000)
    replies = [client("INCR n") for _ in range(1002)]
    assert replies[999] == b":1000\r\n"
    assert replies[1000] == b"-ERR request throttled: the cache has used its 1000 ECPU of this second\r\n"
    assert client("QUIT") == b"+OK\r\n", "what logs in and out is not held back"
    assert run.engine.units is not None
    assert run.engine.units.throttled == 2
    other = run.session()
    run.advance(1000)
    assert other("INCR n") == b":1001\r\n"


def test_reset_and_replicas_do_not_end_the_count(run: Run) -> None:
    client = serverless(run)
    client("RESET")
    client("PING")
    assert units(run) == 2
    peer = run.session()
    run.engine.mark_internal(peer.client)
    peer("PING")
    assert units(run) == 2


def test_a_client_that_was_connected_before_is_counted(run: Run) -> None:
    serverless(run)
    run("PING")
    assert units(run) == 1


def test_storage_is_limited_by_eviction_of_what_has_a_ttl_and_then_by_an_error(run: Run) -> None:
    client = serverless(run)
    run.engine.config.set_at_start("maxmemory-policy", "volatile-lru")
    run.engine.config.set_at_start("maxmemory", "8mb")
    follow_config(run.engine)
    client.args("SET", "session", b"x" * 1_000_000, "EX", 60)
    seen = []
    for number in range(10):
        reply = client.args("SET", f"k{number}", b"x" * 1_000_000)
        seen.append((reply, client("EXISTS session")))
    assert seen[0] == (b"+OK\r\n", b":1\r\n")
    assert (b"+OK\r\n", b":0\r\n") in seen, "what has a time to live makes room"
    assert seen[-1] == (b"-OOM command not allowed when used memory > 'maxmemory'.\r\n", b":0\r\n")
