"""Pub/sub: channels, patterns, channels of the shard, and what a subscriber may say."""

import pytest
from tests.engine.in_process import Run, StartRun


def message(*words: str) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word.encode()) for word in words)


def confirmation(kind: str, channel: str, count: int) -> bytes:
    return b"*3\r\n" + message(kind, channel).split(b"\r\n", 1)[1] + b":%d\r\n" % count


def test_a_message_reaches_channel_and_pattern_listeners_and_is_counted(run: Run) -> None:
    direct, by_pattern = run.session(), run.session()
    assert direct("SUBSCRIBE news") == confirmation("subscribe", "news", 1)
    assert by_pattern("PSUBSCRIBE n*") == confirmation("psubscribe", "n*", 1)
    assert run("PUBLISH news hi") == b":2\r\n"
    assert direct.received() == message("message", "news", "hi")
    assert by_pattern.received() == message("pmessage", "n*", "news", "hi")
    assert run("PUBLISH other hi") == b":0\r\n"


def test_who_listens_twice_hears_twice(run: Run) -> None:
    listener = run.session()
    listener("SUBSCRIBE news")
    listener("PSUBSCRIBE *")
    assert run("PUBLISH news hi") == b":2\r\n"
    assert listener.received() == message("message", "news", "hi") + message("pmessage", "*", "news", "hi")


def test_resp3_listeners_get_pushes_and_may_go_on_asking(run: Run) -> None:
    listener = run.session().resp3()
    assert listener("SUBSCRIBE news").startswith(b">3\r\n")
    run("PUBLISH news hi")
    assert listener.received() == b">" + message("message", "news", "hi")[1:]
    assert listener("GET k") == b"_\r\n"


def test_resp2_subscribers_may_say_only_little(run: Run) -> None:
    run("SUBSCRIBE news")
    assert run("GET k") == (
        b"-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this "
        b"context\r\n"
    )
    assert run("UNSUBSCRIBE") == confirmation("unsubscribe", "news", 0)
    assert run("GET k") == b"$-1\r\n"


def test_subscribing_again_changes_nothing(run: Run) -> None:
    assert run("SUBSCRIBE a a b") == (
        confirmation("subscribe", "a", 1) + confirmation("subscribe", "a", 1) + confirmation("subscribe", "b", 2)
    )
    assert run.session()("PUBLISH a x") == b":1\r\n"


def test_unsubscribing_from_what_was_never_listened_to_is_confirmed(run: Run) -> None:
    assert run("UNSUBSCRIBE x") == confirmation("unsubscribe", "x", 0)
    assert run("UNSUBSCRIBE") == b"*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n"
    assert run("PUNSUBSCRIBE") == b"*3\r\n$12\r\npunsubscribe\r\n$-1\r\n:0\r\n"


def test_shard_channels_are_a_world_of_their_own(run: Run) -> None:
    listener = run.session()
    assert listener("SSUBSCRIBE orders") == confirmation("ssubscribe", "orders", 1)
    assert run("PUBLISH orders x") == b":0\r\n"
    assert run("SPUBLISH orders x") == b":1\r\n"
    assert listener.received() == message("smessage", "orders", "x")
    assert listener("SUNSUBSCRIBE") == confirmation("sunsubscribe", "orders", 0)


def test_pubsub_tells_who_listens(run: Run) -> None:
    for line in ("SUBSCRIBE news", "PSUBSCRIBE a*", "SSUBSCRIBE orders"):
        run.session()(line)
    run.session()("SUBSCRIBE news sport")
    assert run("PUBSUB CHANNELS n*") == message("news")
    assert run("PUBSUB NUMSUB news none") == b"*4\r\n$4\r\nnews\r\n:2\r\n$4\r\nnone\r\n:0\r\n"
    assert run("PUBSUB NUMPAT") == b":1\r\n"
    assert run("PUBSUB SHARDCHANNELS") == message("orders")
    assert run("PUBSUB SHARDNUMSUB orders") == b"*2\r\n$6\r\norders\r\n:1\r\n"
    assert run("PUBSUB CHANNELS a b") == (
        b"-ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB HELP.\r\n"
    )


def test_who_hangs_up_is_forgotten(run: Run) -> None:
    listener = run.session()
    listener("SUBSCRIBE news")
    listener("PSUBSCRIBE *")
    listener.close()
    assert run("PUBLISH news hi") == b":0\r\n"
    assert b"pubsub_clients:0" in run("INFO clients")


def test_messages_in_a_transaction_follow_its_reply(run: Run) -> None:
    run.resp3()
    run("SUBSCRIBE news")
    run("MULTI")
    run("PUBLISH news hi")
    run("PING")
    assert run("EXEC") == b"*2\r\n:1\r\n+PONG\r\n>" + message("message", "news", "hi")[1:]


def test_a_script_may_publish_and_not_subscribe(run: Run) -> None:
    listener = run.session()
    listener("SUBSCRIBE news")
    assert run.args("EVAL", "return redis.call('PUBLISH', 'news', 'hi')", 0) == b":1\r\n"
    assert listener.received() == message("message", "news", "hi")
    assert b"This Redis command is not allowed from script" in run.args(
        "EVAL", "return redis.call('SUBSCRIBE', 'news')", 0
    )


def test_keyspace_notifications_come_in_the_classes_that_were_asked_for(run: Run) -> None:
    listener = run.session()
    listener("PSUBSCRIBE __key*")
    run("SET k 1")
    assert listener.received() == b""
    run("CONFIG SET notify-keyspace-events KE$g")
    run("SET k 1")
    assert listener.received() == (
        message("pmessage", "__key*", "__keyspace@0__:k", "set")
        + message("pmessage", "__key*", "__keyevent@0__:set", "k")
    )
    run("CONFIG SET notify-keyspace-events Elg")
    run("RPUSH l a")
    run("DEL l")
    assert listener.received() == (
        message("pmessage", "__key*", "__keyevent@0__:rpush", "l")
        + message("pmessage", "__key*", "__keyevent@0__:del", "l")
    )
    run("SET k 2")
    assert listener.received() == b""


def test_an_evicted_key_is_told_of(run: Run) -> None:
    listener = run.session()
    listener("SUBSCRIBE __keyevent@0__:evicted")
    run("CONFIG SET notify-keyspace-events Ee maxmemory-policy allkeys-lru")
    run("SET k v")
    run("CONFIG SET maxmemory 1")
    assert listener.received() == message("message", "__keyevent@0__:evicted", "k")


@pytest.mark.parametrize(("given", "shown"), [("KA", "AK"), ("gKE", "gKE"), ("$lshzxeKE", "$lshzxeKE"), ("", "")])
def test_the_classes_are_shown_in_their_own_order(run: Run, given: str, shown: str) -> None:
    run.args("CONFIG", "SET", "notify-keyspace-events", given)
    assert run("CONFIG GET notify-keyspace-events").endswith(f"\r\n{shown}\r\n".encode())


def test_shard_channels_came_with_redis_oss_7(start_run: StartRun) -> None:
    assert start_run("redis-6.2")("SSUBSCRIBE a").startswith(b"-ERR unknown command")
    assert start_run("redis-7.1")("SSUBSCRIBE a") == confirmation("ssubscribe", "a", 1)
