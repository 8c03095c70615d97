"""Sessions in a real cache, as the user that the access string makes."""

import threading
from collections.abc import Iterator
from typing import cast

import pytest
from stacks.session_api.function.sessions.store import LIFETIME_S, SessionStore, TooLarge
from valkey import Valkey

NOW_S = 1_800_000_000


@pytest.fixture
def store(client: Valkey) -> SessionStore:
    return SessionStore(client, key_prefix="session:", ttl_s=100)


def _only_key(admin: Valkey) -> bytes:
    (key,) = cast("list[bytes]", admin.keys("*"))
    return key


def test_a_session_is_read_as_it_was_made(store: SessionStore) -> None:
    made = store.create({"cart": ["tea"]}, now_s=NOW_S)
    read = store.read(made.session_id, now_s=NOW_S)
    assert read is not None
    assert (read.data, read.visits, read.made_s, read.expires_in_s) == ({"cart": ["tea"]}, 1, NOW_S, 100)


def test_every_read_counts_a_visit(store: SessionStore) -> None:
    session_id = store.create({}, now_s=NOW_S).session_id
    visits = [session.visits for _ in range(3) if (session := store.read(session_id, now_s=NOW_S))]
    assert visits == [1, 2, 3]


def test_a_use_moves_the_end(store: SessionStore, admin: Valkey) -> None:
    session_id = store.create({}, now_s=NOW_S).session_id
    key = _only_key(admin)
    admin.expire(key, 5)
    store.read(session_id, now_s=NOW_S)
    assert cast("int", admin.ttl(key)) > 90
    admin.expire(key, 5)
    store.update(session_id, {"a": 1}, now_s=NOW_S)
    assert cast("int", admin.ttl(key)) > 90


def test_no_use_moves_the_end_of_its_whole_life(store: SessionStore, admin: Valkey) -> None:
    session_id = store.create({}, now_s=NOW_S).session_id
    late = store.read(session_id, now_s=NOW_S + LIFETIME_S - 10)
    assert late is not None
    assert late.expires_in_s == 10
    assert store.read(session_id, now_s=NOW_S + LIFETIME_S) is None
    assert admin.keys("*") == []


def test_reading_what_is_not_there_leaves_nothing_behind(store: SessionStore, admin: Valkey) -> None:
    assert store.read("no such session", now_s=NOW_S) is None
    assert admin.keys("*") == []


def test_the_cache_does_not_know_a_session_s_id(store: SessionStore, admin: Valkey) -> None:
    session_id = store.create({}, now_s=NOW_S).session_id
    key = _only_key(admin)
    fields = cast("dict[bytes, bytes]", admin.hgetall(key.decode()))
    assert session_id.encode() not in key + b"".join(fields.values())
    assert store.read(key.decode().removeprefix("session:"), now_s=NOW_S) is None


def test_an_update_merges_and_null_removes(store: SessionStore) -> None:
    session_id = store.create({"a": 1, "b": 2}, now_s=NOW_S).session_id
    updated = store.update(session_id, {"b": None, "c": "é"}, now_s=NOW_S)
    assert updated is not None
    assert updated.data == {"a": 1, "c": "é"}
    read = store.read(session_id, now_s=NOW_S)
    assert read is not None
    assert read.data == {"a": 1, "c": "é"}


def test_an_update_of_nothing_makes_nothing(store: SessionStore, admin: Valkey) -> None:
    assert store.update("no such session", {"a": 1}, now_s=NOW_S) is None
    assert admin.keys("*") == []


@pytest.fixture
def stores(cache_port: int, admin: Valkey) -> Iterator[list[SessionStore]]:
    clients = [Valkey(port=cache_port) for _ in range(4)]
    yield [SessionStore(client, key_prefix="session:", ttl_s=100) for client in clients]
    for client in clients:
        client.close()  # type: ignore[no-untyped-call]  # valkey-py's


def test_updates_at_the_same_time_all_count(stores: list[SessionStore]) -> None:
    session_id = stores[0].create({}, now_s=NOW_S).session_id
    barrier = threading.Barrier(len(stores))

    def update(number: int) -> None:
        barrier.wait()
        stores[number].update(session_id, {str(number): number}, now_s=NOW_S)

    threads = [threading.Thread(target=update, args=(number,)) for number in range(len(stores))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    read = stores[0].read(session_id, now_s=NOW_S)
    assert read is not None
    assert read.data == {str(number): number for number in range(len(stores))}


def test_a_deleted_session_is_gone(store: SessionStore) -> None:
    session_id = store.create({}, now_s=NOW_S).session_id
    assert store.delete(session_id) is True
    assert store.delete(session_id) is False
    assert store.read(session_id, now_s=NOW_S) is None


def test_too_much_data_is_refused_however_it_comes(store: SessionStore) -> None:
    with pytest.raises(TooLarge):
        store.create({"a": "x" * 20_000}, now_s=NOW_S)
    session_id = store.create({"a": "x" * 10_000}, now_s=NOW_S).session_id
    with pytest.raises(TooLarge):
        store.update(session_id, {"b": "x" * 10_000}, now_s=NOW_S)


def test_requests_are_counted_by_caller_over_a_sliding_minute(store: SessionStore, admin: Valkey) -> None:
    start_s = NOW_S - NOW_S % 60
    assert [store.requests("192.0.2.1", now_s=start_s) for _ in range(3)] == [1, 2, 3]
    assert store.requests("192.0.2.2", now_s=start_s) == 1
    assert store.requests("192.0.2.1", now_s=start_s + 60) == 1 + 3
    assert store.requests("192.0.2.1", now_s=start_s + 90) == 2 + 1.5
    assert store.requests("192.0.2.1", now_s=start_s + 180) == 1
    assert all(b"192.0.2" not in key for key in cast("list[bytes]", admin.keys("*")))
    assert all(cast("int", admin.ttl(key)) > 0 for key in cast("list[bytes]", admin.keys("*")))
