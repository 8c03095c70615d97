"""CONFIG: parameters read, changed all or none, and written back to the file they came from."""

from pathlib import Path

import pytest
from tests.engine.in_process import Run, StartRun

from cachetwin_engine.core.config.config import Config
from cachetwin_engine.core.config.profile import PROFILES
from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.server.valkey.host import ProcessHost


def value_of(run: Run, name: str) -> bytes:
    """What CONFIG GET says of one parameter."""
    reply = run(f"CONFIG GET {name}")
    assert reply.startswith(b"*2\r\n"), reply
    return reply.split(b"\r\n", 4)[4].removesuffix(b"\r\n")


def failure(run: Run, line: str) -> bytes:
    """The error that ``line`` is refused with, without its frame."""
    reply = run(line)
    assert reply.startswith(b"-"), reply
    return reply[1:-2]


def test_get_finds_by_pattern_and_lists_other_names_too(run: Run) -> None:
    names = run("CONFIG GET *of maxmemory-samp*").split(b"\r\n")
    assert {b"replicaof", b"slaveof", b"maxmemory-samples"} <= set(names)


def test_names_and_patterns_together_answer_each_parameter_once(run: Run) -> None:
    reply = run("CONFIG GET maxmemory maxmemory* MAXMEMORY-SAMPLES")
    assert reply.count(b"$9\r\nmaxmemory\r\n") == 1


def test_hidden_parameters_are_found_by_name_only(run: Run) -> None:
    assert b"key-load-delay" not in run("CONFIG GET *")
    assert value_of(run, "key-load-delay") == b"0"


def test_set_takes_amounts_of_memory_and_shares(run: Run) -> None:
    assert run("CONFIG SET maxmemory 100mb maxmemory-clients 5%") == b"+OK\r\n"
    assert value_of(run, "maxmemory") == b"104857600"
    assert value_of(run, "maxmemory-clients") == b"5%"


@pytest.mark.parametrize(
    ("pairs", "name", "reason"),
    [
        ("hz ten", "hz", "argument couldn't be parsed into an integer"),
        ("maxmemory-samples 65", "maxmemory-samples", "argument must be between 1 and 64 inclusive"),
        ("maxmemory 1x", "maxmemory", "argument must be a memory value"),
        ("maxmemory-clients 1x", "maxmemory-clients", "argument must be a memory or percent value"),
        ("maxmemory-clients 200%", "maxmemory-clients", "percentage argument must be less or equal to 100"),
        ("protected-mode maybe", "protected-mode", "argument must be 'yes' or 'no'"),
        ("appendfsync never", "appendfsync", "argument(s) must be one of the following: everysec, always, no"),
        ("notify-keyspace-events Q", "notify-keyspace-events", "Invalid event class character. Use 'Ag$lszhxeKEtmdn'."),
        (
            'shutdown-on-sigterm "save nosave"', "shutdown-on-sigterm",
            "shutdown options SAVE and NOSAVE can't be used simultaneously",
        ),
        ('oom-score-adj-values "1 2"', "oom-score-adj-values", "wrong number of arguments"),
        (
            'oom-score-adj-values "1 2 3000"', "oom-score-adj-values",
            "Invalid oom-score-adj-values, elements must be between -2000 and 2000.",
        ),
        (
            'client-output-buffer-limit "nobody 1 1 1"', "client-output-buffer-limit",
            "Invalid client class specified in buffer limit configuration.",
        ),
        ("daemonize yes", "daemonize", "can't set immutable config"),
        ("dbfilename x.rdb", "dbfilename", "can't set protected config"),
        ("hz 10 hz 20", "hz", "duplicate parameter"),
        ("cluster-announce-hostname a_b", "cluster-announce-hostname",
         "Hostnames may only contain alphanumeric characters, hyphens or dots"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_refused_with_its_reason(run: Run, pairs: str, name: str, reason: str) -> None:
    expected = f"ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}"
    assert failure(run, f"CONFIG SET {pairs}") == expected.encode()


def test_one_refused_value_leaves_all_as_they_were(run: Run) -> None:
    run("CONFIG SET maxmemory 10000002")
    failure(run, "CONFIG SET maxmemory 10000001 maxmemory-clients 200% hz invalid")
    assert value_of(run, "maxmemory") == b"10000002"


def test_unknown_parameters_and_odd_words_are_refused(run: Run) -> None:
    assert failure(run, "CONFIG SET nonsense 1") == (
        b"ERR Unknown option or number of arguments for CONFIG SET - 'nonsense'"
    )
    assert failure(run, "CONFIG SET hz 1 maxmemory") == b"ERR syntax error"


def test_what_the_process_cannot_have_takes_everything_back(run: Run, tmp_path: Path) -> None:
    host = ProcessHost()
    host.change_node = lambda names: ("port", "Unable to listen on this port.") if "port" in names else None
    run.engine.host = host
    assert failure(run, "CONFIG SET maxmemory 10000001 port 7") == (
        b"ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port."
    )
    assert value_of(run, "maxmemory") == b"0"
    assert value_of(run, "port") == b"6379"


def test_choices_of_several_words_come_back_in_their_own_order(run: Run) -> None:
    run('CONFIG SET shutdown-on-sigint "force nosave now"')
    assert value_of(run, "shutdown-on-sigint") == b"nosave now force"


def test_buffer_limits_of_one_class_leave_the_others(run: Run) -> None:
    run('CONFIG SET client-output-buffer-limit "pubsub 1mb 0 0"')
    assert value_of(run, "client-output-buffer-limit") == (
        b"normal 0 0 0 slave 268435456 67108864 60 pubsub 1048576 0 0"
    )


def test_requirepass_is_the_default_users_password(run: Run) -> None:
    run("CONFIG SET requirepass secret")
    later = run.session()
    assert later("GET k") == b"-NOAUTH Authentication required.\r\n"
    assert later("AUTH wrong").startswith(b"-WRONGPASS")
    assert later("AUTH secret") == b"+OK\r\n"
    assert run("GET k") == b"$-1\r\n"  # who was in stays in
    run('CONFIG SET requirepass ""')
    assert run.session()("GET k") == b"$-1\r\n"


def test_a_lower_maxmemory_evicts_at_once(run: Run) -> None:
    for number in range(100):
        run(f"SET key:{number} {'x' * 1000}")
    run("CONFIG SET maxmemory-policy allkeys-random")
    run("CONFIG SET maxmemory 920000")
    assert int(run("DBSIZE")[1:-2]) < 60


def test_redis_oss_has_its_own_names_and_defaults(start_run: StartRun) -> None:
    run = start_run("redis-7.1")
    names = run("CONFIG GET *")
    assert b"commandlog" not in names
    assert b"primaryauth" not in names
    assert b"import-mode" not in names
    assert value_of(run, "slowlog-max-len") == b"128"
    assert value_of(run, "masterauth") == b""
    assert value_of(run, "lazyfree-lazy-expire") == b"no"
    assert run("CONFIG SET slowlog-log-slower-than 5") == b"+OK\r\n"
    assert run.engine.config.monitoring.slowlog_log_slower_than == 5


def test_retired_parameters_may_be_given_at_start_and_mean_nothing() -> None:
    config = Config(PROFILES["valkey-8.1"])
    config.set_at_start("io-threads-do-reads", "yes")
    assert config.get("io-threads-do-reads") is None
    with pytest.raises(CommandError, match="Unknown option"):
        config.set_at_start("never-heard-of", "yes")


def test_valkey_9_lists_parameters_in_order(start_run: StartRun) -> None:
    run = start_run("valkey-9.0")
    names = run("CONFIG GET *").split(b"\r\n")[2::4]
    assert len(names) > 200
    assert names == sorted(names)
    assert run("CONFIG GET port bind").split(b"\r\n")[2] == b"bind"


@pytest.mark.parametrize(
    ("name", "value", "answer"),
    [
        ("slot-migration-max-failover-repl-bytes", "-1", b"+OK\r\n"),
        ("slot-migration-max-failover-repl-bytes", "1kb", b"+OK\r\n"),
        (
            "slot-migration-max-failover-repl-bytes",
            "-2",
            b"argument must be between -1 and 9223372036854775807 inclusive",
        ),
        ("slot-migration-max-failover-repl-bytes", "-x", b"argument must be a memory value"),
        ("tls-auth-clients-user", "cn", b"+OK\r\n"),
        ("tls-auth-clients-user", "x", b"argument(s) must be one of the following: CN, URI, off"),
        ("cluster-config-save-behavior", "x", b"argument(s) must be one of the following: sync, best-effort"),
        ("sanitize-dump-payload", "yes", b"Unknown option or number of arguments for CONFIG SET"),
    ],
)
def test_parameters_of_valkey_9_1_take_what_they_take_there(
    start_run: StartRun, name: str, value: str, answer: bytes
) -> None:
    run = start_run("valkey-9.1")
    assert answer in run(f"CONFIG SET {name} {value}")
    run("CONFIG SET tls-auth-clients-user uri")
    assert run("CONFIG GET tls-auth-clients-user").endswith(b"\r\nURI\r\n")
