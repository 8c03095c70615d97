"""INFO: what the engine says of itself, section by section."""

import pytest
from tests.engine.in_cluster import start_in_cluster
from tests.engine.in_process import Run, StartRun

from cachetwin_engine.core.admin.elasticache import become_elasticache


def facts(run: Run, section: str = "") -> dict[str, str]:
    """The lines of INFO by name."""
    text = run(f"INFO {section}").split(b"\r\n", 1)[1].decode()
    lines = [line for line in text.split("\r\n") if ":" in line and not line.startswith("#")]
    return dict(line.split(":", 1) for line in lines)


def sections(run: Run, words: str) -> list[str]:
    text = run(f"INFO {words}").split(b"\r\n", 1)[1].decode()
    return [line[2:] for line in text.split("\r\n") if line.startswith("# ")]


def test_the_default_leaves_statistics_of_commands_out(run: Run) -> None:
    assert sections(run, "") == [
        "Server", "Clients", "Memory", "Persistence", "Stats", "Replication", "CPU", "Modules", "Errorstats",
        "Cluster", "Keyspace",
    ]  # fmt: skip
    assert "Commandstats" in sections(run, "all")
    assert "Commandstats" in sections(run, "default commandstats")


def test_sections_are_named_in_any_case_and_unknown_ones_ignored(run: Run) -> None:
    assert sections(run, "MEMORY cpu Nonsense") == ["Memory", "CPU"]
    assert sections(run, "nonsense") == []


def test_debug_facts_come_only_when_asked_for(run: Run) -> None:
    assert "eventloop_duration_max" not in facts(run, "everything")
    assert set(facts(run, "debug")) == {
        "eventloop_duration_aof_sum", "eventloop_duration_cron_sum", "eventloop_duration_max",
        "eventloop_cmd_per_cycle_max",
    }  # fmt: skip


def test_the_version_is_the_profiles(run: Run, start_run: StartRun) -> None:
    assert facts(run)["valkey_version"] == "8.1.1"
    assert facts(run)["redis_version"] == "7.2.4"
    redis = facts(start_run("redis-7.1"), "everything")
    assert redis["redis_version"] == "7.1.0"
    assert redis["redis_mode"] == "standalone"
    assert not {"valkey_version", "server_mode", "eventloop_cycles", "pubsub_clients", "evicted_scripts"} & redis.keys()


def test_commands_are_counted_with_their_failures_and_refusals(run: Run) -> None:
    run("SET k v")
    run("LPUSH k x")
    run("LPUSH k")
    stats = facts(run, "commandstats")
    assert stats["cmdstat_set"].startswith("calls=1,")
    assert stats["cmdstat_lpush"].endswith("rejected_calls=1,failed_calls=1")
    errors = facts(run, "errorstats")
    assert errors == {"errorstat_ERR": "count=1", "errorstat_WRONGTYPE": "count=1"}
    assert facts(run, "stats")["total_error_replies"] == "2"


def test_a_wait_that_is_ended_with_an_error_is_counted_as_one(run: Run) -> None:
    waiting = run.session()
    number = waiting("CLIENT ID")[1:-2].decode()
    waiting("BLPOP l 0")
    run(f"CLIENT UNBLOCK {number} ERROR")
    assert facts(run, "errorstats") == {"errorstat_UNBLOCKED": "count=1"}
    assert facts(run, "commandstats")["cmdstat_blpop"].endswith("rejected_calls=1,failed_calls=0")


def test_errors_that_scripts_invent_are_bounded(run: Run) -> None:
    for number in range(130):
        run.args("EVAL", "return redis.error_reply(ARGV[1] .. ' mine')", 0, number)
    run("SET k v nonsense")
    errors = facts(run, "errorstats")
    assert errors["errorstat_ERRORSTATS_OVERFLOW"] == "count=2"
    assert errors["errorstat_ERR"] == "count=1"


def test_resetstat_starts_anew(run: Run) -> None:
    run("SET k v")
    run("GET k")
    run("NONSENSE")
    run("CONFIG RESETSTAT")
    stats = facts(run, "everything")
    assert stats["keyspace_hits"] == "0"
    assert stats["total_error_replies"] == "0"
    assert "cmdstat_set" not in stats
    assert "errorstat_ERR" not in stats


def test_latency_percentiles_are_those_that_are_configured(run: Run) -> None:
    run.clock.step_us = 10
    run('CONFIG SET latency-tracking-info-percentiles "50 100"')
    run("SET k v")
    assert facts(run, "latencystats")["latency_percentiles_usec_set"].startswith("p50=")
    run("CONFIG SET latency-tracking no")
    assert facts(run, "latencystats") == {}


def test_clients_are_counted_by_what_they_do(run: Run) -> None:
    for line in ("SUBSCRIBE a", "SSUBSCRIBE b", "WATCH k", "BLPOP l 5", "CLIENT TRACKING ON BCAST PREFIX x PREFIX y"):
        run.session()(line)
    clients = facts(run, "clients")
    assert clients["connected_clients"] == "6"
    assert clients["pubsub_clients"] == "2"
    assert clients["watching_clients"] == "1"
    assert clients["blocked_clients"] == "1"
    assert clients["total_blocking_keys"] == "1"
    assert clients["tracking_clients"] == "1"
    assert facts(run, "stats")["tracking_total_prefixes"] == "2"


def test_keyspace_lists_databases_that_hold_keys(run: Run) -> None:
    run("SET a 1")
    run("SET b 1 PX 5000")
    run("SELECT 3")
    run("SET c 1")
    assert facts(run, "keyspace") == {"db0": "keys=2,expires=1,avg_ttl=5000", "db3": "keys=1,expires=0,avg_ttl=0"}


def test_traffic_is_counted_and_has_a_rate(run: Run) -> None:
    before = int(facts(run, "stats")["total_net_input_bytes"])
    for _ in range(20):
        for _ in range(10):
            run("PING")
        run.advance(100)
    stats = facts(run, "stats")
    assert int(stats["total_net_input_bytes"]) == before + 200 * len("PING\r\n") + len("INFO stats\r\n")
    assert 90 <= int(stats["instantaneous_ops_per_sec"]) <= 110
    assert int(stats["total_reads_processed"]) > 200


def test_memory_grows_with_keys_and_with_what_clients_leave_unsaid(run: Run) -> None:
    empty = int(facts(run, "memory")["used_memory"])
    run.args("SET", "k", b"v" * 100_000)
    full = int(facts(run, "memory")["used_memory"])
    assert full > empty + 100_000
    half = run.session()
    half.client.feed(b"*1\r\n$300000\r\n" + b"x" * 200_000)
    assert int(facts(run, "memory")["used_memory"]) >= full + 200_000
    half.close()
    assert int(facts(run, "memory")["used_memory"]) == full


def test_a_client_is_described_with_its_traffic(run: Run) -> None:
    other = run.session()
    number = other("CLIENT ID")[1:-2].decode()
    other("BLPOP l 0")
    assert run(f"CLIENT LIST ID {number}").endswith(b" tot-cmds=1\n\r\n")  # what it waits for is not done
    run("RPUSH l x")
    assert run(f"CLIENT LIST ID {number}").endswith(b" tot-cmds=2\n\r\n")


@pytest.mark.parametrize("profile", ["valkey-7.2", "valkey-8.1", "valkey-9.1", "redis-6.2", "redis-7.1"])
def test_every_profile_answers_every_section(start_run: StartRun, profile: str) -> None:
    run = start_run(profile)
    run("SET k v")
    assert facts(run, "everything")["maxmemory"] == "0"


def test_elasticache_tells_nothing_of_the_machine(run: Run) -> None:
    become_elasticache(run.engine)
    server = facts(run, "server")
    assert server["os"] == "Amazon ElastiCache"
    assert server["executable"] == server["config_file"] == "-"


def test_sections_stand_in_the_order_of_the_original(start_run: StartRun) -> None:
    assert sections(start_run("valkey-8.1"), "everything") == [
        "Server", "Clients", "Memory", "Persistence", "Stats", "Replication", "CPU", "Modules", "Commandstats",
        "Errorstats", "Latencystats", "Cluster", "Keyspace",
    ]  # fmt: skip
    newer = sections(start_run("valkey-9.1"), "all")
    assert newer[:3] == ["Server", "TLS", "Clients"]
    assert newer[-4:] == ["Cluster", "Cluster Info", "Scripting Engines", "Keyspace"]
    assert "TLS" not in sections(start_run("valkey-9.1"), "")
    assert sections(start_run("valkey-9.0"), "tls scriptingengines cluster_info") == []


def test_each_version_has_its_fields(start_run: StartRun) -> None:
    of_8, of_9_0, of_9_1 = [set(facts(start_run(f"valkey-{at}"), "everything debug")) for at in ("8.1", "9.0", "9.1")]
    assert of_9_0 - of_8 == {
        "acl_access_denied_tls_cert", "expired_fields", "expired_keys_with_volatile_items_stale_perc",
        "mem_cluster_slot_export", "mem_cluster_slot_import", "slot_migration_fork_in_progress",
        "total_net_cluster_slot_export_bytes", "total_net_cluster_slot_import_bytes",
    }  # fmt: skip
    assert of_9_1 - of_9_0 == {
        "acl_access_denied_db", "engine_0", "engines_count", "engines_total_memory_overhead",
        "engines_total_used_memory", "io_threaded_reads_pending", "io_threaded_writes_pending",
        "mem_replicas_repl_buffer", "tls_ca_cert_expires_in_seconds", "tls_ca_cert_serial",
        "tls_client_cert_expires_in_seconds", "tls_client_cert_serial", "tls_server_cert_expires_in_seconds",
        "tls_server_cert_serial", "used_active_time_main_thread",
    }  # fmt: skip
    assert of_8 <= of_9_0 <= of_9_1


def test_info_tells_of_the_cluster_what_cluster_info_tells(start_run: StartRun) -> None:
    run = start_in_cluster(start_run, "valkey-9.1")
    told = run("CLUSTER INFO").partition(b"\r\n")[2].rstrip()
    assert told.startswith(b"cluster_state:ok\r\n")
    assert run("INFO cluster_info").partition(b"\r\n")[2] == b"# Cluster Info\r\n" + told + b"\r\n\r\n"


def test_a_node_that_passes_for_redis_has_a_redis_mode(run: Run) -> None:
    assert b"\r\nserver_mode:standalone\r\n" in run("INFO server")
    run("CONFIG SET extended-redis-compatibility yes")
    assert b"\r\nredis_mode:standalone\r\n" in run("INFO server")
