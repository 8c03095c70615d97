"""Clients that wait for lists: who is served, when, and with what."""

from tests.engine.in_process import Run

from cachetwin_engine.core.protocol.replies import bulk, bulk_array

NOTHING = b""
NULL_ARRAY = b"*-1\r\n"
WRONG_TYPE = b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"


def test_a_pop_that_finds_an_element_does_not_wait(run: Run) -> None:
    run("RPUSH b x y")
    assert run("BLPOP a b 0") == bulk_array([b"b", b"x"])
    assert run("BRPOP a b 0") == bulk_array([b"b", b"y"])


def test_the_client_that_has_waited_longest_is_served_first(run: Run) -> None:
    first, second = run.session(), run.session()
    assert first("BLPOP l 0") == NOTHING
    assert second("BRPOP l 0") == NOTHING
    run("RPUSH l a b c")
    assert first.received() == bulk_array([b"l", b"a"])
    assert second.received() == bulk_array([b"l", b"c"])
    assert run("LRANGE l 0 -1") == bulk_array([b"b"])


def test_keys_are_served_in_the_order_in_which_they_became_ready(run: Run) -> None:
    waiting = run.session()
    waiting("BLPOP a b 0")
    run("MULTI")
    run("RPUSH b from-b")
    run("RPUSH a from-a")
    run("EXEC")
    assert waiting.received() == bulk_array([b"a", b"from-a"])  # the client's own order counts once it is served
    assert run("LLEN b") == b":1\r\n"


def test_an_element_that_goes_again_within_a_transaction_wakes_nobody(run: Run) -> None:
    waiting = run.session()
    waiting("BLPOP l 0")
    run("MULTI")
    run("LPUSH l a")
    run("DEL l")
    run("SET l text")
    run("EXEC")
    assert waiting.received() == NOTHING
    run("DEL l")
    run("LPUSH l b")
    assert waiting.received() == bulk_array([b"l", b"b"])


def test_a_served_move_can_serve_the_next_client(run: Run) -> None:
    first, second = run.session(), run.session()
    second("BLPOP to 0")
    first("BLMOVE from to LEFT RIGHT 0")
    run("RPUSH from x")
    assert first.received() == bulk(b"x")
    assert second.received() == bulk_array([b"to", b"x"])
    assert run("EXISTS from to") == b":0\r\n"


def test_a_move_to_itself_waits_and_is_served_once(run: Run) -> None:
    waiting = run.session()
    waiting("BRPOPLPUSH l l 0")
    run("RPUSH l x")
    assert waiting.received() == bulk(b"x")
    assert run("LRANGE l 0 -1") == bulk_array([b"x"])


def test_a_move_to_something_else_fails_when_it_is_served_and_leaves_the_element(run: Run) -> None:
    waiting = run.session()
    waiting("BLMOVE from to LEFT RIGHT 0")
    run("SET to text")
    run("RPUSH from x")
    assert waiting.received() == WRONG_TYPE
    assert run("LLEN from") == b":1\r\n"


def test_an_element_that_a_failed_move_left_goes_to_the_next_client(run: Run) -> None:
    first, second = run.session(), run.session()
    first("BLMOVE from to LEFT RIGHT 0")
    second("BLPOP from 0")
    run("SET to text")
    run("RPUSH from x")
    assert first.received() == WRONG_TYPE
    assert second.received() == bulk_array([b"from", b"x"])


def test_a_key_that_is_renamed_into_place_serves(run: Run) -> None:
    waiting = run.session()
    waiting("BLPOP l 0")
    run("RPUSH other x")
    run("RENAME other l")
    assert waiting.received() == bulk_array([b"l", b"x"])


def test_a_list_that_replaces_another_type_serves(run: Run) -> None:
    waiting = run.session()
    waiting("BLPOP l 0")
    run("SET l text")
    run("RPUSH other x")
    run("COPY other l REPLACE")
    assert waiting.received() == bulk_array([b"l", b"x"])


def test_the_wait_ends_when_its_time_is_over(run: Run) -> None:
    waiting, moving = run.session(), run.session()
    waiting("BLPOP l 0.5")
    moving("BLMOVE l to LEFT RIGHT 0.5")
    run.advance(400)
    assert waiting.received() == NOTHING
    run.advance(100)
    assert waiting.received() == NULL_ARRAY
    assert moving.received() == NULL_ARRAY
    run("RPUSH l x")
    assert run("LLEN l") == b":1\r\n"


def test_the_same_key_twice_is_one_wait(run: Run) -> None:
    waiting = run.session()
    waiting("BLPOP l l 0")
    run("RPUSH l x y")
    assert waiting.received() == bulk_array([b"l", b"x"])
    assert run("LLEN l") == b":1\r\n"
    assert waiting("PING") == b"+PONG\r\n"


def test_commands_behind_a_waiting_one_run_when_it_is_served(run: Run) -> None:
    waiting = run.session()
    assert waiting.client.feed(b"BLPOP l 0\r\nPING\r\n") == NOTHING
    run("RPUSH l x")
    assert waiting.received() == bulk_array([b"l", b"x"]) + b"+PONG\r\n"


def test_a_served_clients_next_commands_come_after_the_other_waiting_clients(run: Run) -> None:
    first, second = run.session(), run.session()
    first.client.feed(b"BLPOP l 0\r\nRPUSH l again\r\n")
    second("BLPOP l 0")
    run("RPUSH l x")
    assert first.received() == bulk_array([b"l", b"x"]) + b":1\r\n"
    assert second.received() == bulk_array([b"l", b"again"])


def test_a_client_that_hangs_up_leaves_the_queue(run: Run) -> None:
    first, second = run.session(), run.session()
    first("BLPOP l 0")
    second("BLPOP l 0")
    first.close()
    run("RPUSH l x")
    assert second.received() == bulk_array([b"l", b"x"])


def test_waiting_in_another_database_is_another_wait(run: Run) -> None:
    waiting = run.session()
    waiting("SELECT 1")
    waiting("BLPOP l 0")
    run("RPUSH l x")
    assert waiting.received() == NOTHING
    run("SELECT 1")
    run("RPUSH l y")
    assert waiting.received() == bulk_array([b"l", b"y"])


def test_inside_a_transaction_nothing_waits(run: Run) -> None:
    run("MULTI")
    run("BLPOP l 0")
    run("BLMOVE l l LEFT LEFT 0")
    assert run("EXEC") == b"*2\r\n" + NULL_ARRAY + b"$-1\r\n"


def test_a_user_who_lost_the_permission_while_waiting_is_refused(run: Run) -> None:
    run("ACL SETUSER bob on nopass ~* +@all")
    waiting = run.session()
    waiting("AUTH bob any")
    waiting("BLPOP l 0")
    run("ACL SETUSER bob resetkeys")
    run("RPUSH l x")
    assert waiting.received() == b"-NOPERM No permissions to access a key\r\n"
    assert run("LLEN l") == b":1\r\n"


def test_a_wait_counts_as_one_call(run: Run) -> None:
    waiting = run.session()
    waiting("BLPOP l 0")
    command = run.engine.commands[b"blpop"]
    assert command.calls == 0
    run("SET l text")
    run("DEL l")
    run("RPUSH l x")
    assert command.calls == 1
    waiting("BLPOP l 0.1")
    run.advance(200)
    assert command.calls == 2


def test_replicas_are_told_of_a_plain_pop(run: Run) -> None:
    run.replicate()
    waiting = run.session()
    waiting("BLMPOP 0 2 a l RIGHT COUNT 2")
    run("RPUSH l x y z")
    assert run.propagated() == [(0, [b"RPUSH", b"l", b"x", b"y", b"z"]), (0, [b"RPOP", b"l", b"2"])]
