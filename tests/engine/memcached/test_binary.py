"""The binary protocol."""

import struct

import pytest
from tests.engine.memcached.conftest import Client, Server, StartServer


def request(opcode: int, key: bytes = b"", extras: bytes = b"", *, value: bytes = b"", cas: int = 0) -> bytes:
    body = len(key) + len(extras) + len(value)
    header = struct.pack(">BBHBBHIIQ", 0x80, opcode, len(key), len(extras), 0, 0, body, 7, cas)
    return header + extras + key + value


class Reply:
    def __init__(self, data: bytes) -> None:
        magic, self.opcode, key_bytes, extras_bytes, _, self.status, body, self.opaque, self.cas = struct.unpack(
            ">BBHBBHIIQ", data[:24]
        )
        assert magic == 0x81
        self.extras = data[24 : 24 + extras_bytes]
        self.key = data[24 + extras_bytes : 24 + extras_bytes + key_bytes]
        self.value = data[24 + extras_bytes + key_bytes : 24 + body]
        self.rest = data[24 + body :]


def ask(
    client: Client, opcode: int, key: bytes = b"", extras: bytes = b"", *, value: bytes = b"", cas: int = 0
) -> Reply:
    reply = Reply(client.raw(request(opcode, key, extras, value=value, cas=cas)))
    assert (reply.opcode, reply.opaque, reply.rest) == (opcode, 7, b"")
    return reply


def store(
    client: Client, key: bytes, value: bytes, *, opcode: int = 1, flags: int = 0, ttl: int = 0, cas: int = 0
) -> Reply:
    return ask(client, opcode, key, struct.pack(">II", flags, ttl), value=value, cas=cas)


def test_set_and_get_carry_flags_and_cas(client: Client) -> None:
    stored = store(client, b"k", b"value", flags=5)
    assert (stored.status, stored.cas) == (0, 1)
    got = ask(client, 0x00, b"k")
    assert (got.status, got.extras, got.key, got.value, got.cas) == (0, b"\0\0\0\5", b"", b"value", 1)
    assert ask(client, 0x0C, b"k").key == b"k"


def test_a_missing_key_is_an_error_and_silent_when_quiet(client: Client) -> None:
    missing = ask(client, 0x00, b"none")
    assert (missing.status, missing.value) == (1, b"Not found")
    assert ask(client, 0x0C, b"none").key == b"none"
    assert client.raw(request(0x09, b"none") + request(0x0D, b"none")) == b""
    store(client, b"k", b"v")
    assert Reply(client.raw(request(0x0D, b"k"))).value == b"v"


def test_add_replace_and_cas_have_statuses(client: Client) -> None:
    assert store(client, b"k", b"a", opcode=3).status == 1
    assert store(client, b"k", b"a", opcode=2).status == 0
    assert store(client, b"k", b"a", opcode=2).status == 2
    assert store(client, b"k", b"b", cas=99).status == 2
    assert store(client, b"k", b"b", cas=1).status == 0
    assert store(client, b"none", b"b", cas=1).status == 1


def test_append_and_prepend(client: Client) -> None:
    assert ask(client, 0x0E, b"k", value=b"x").status == 5
    store(client, b"k", b"b")
    assert ask(client, 0x0E, b"k", value=b"c").status == 0
    assert ask(client, 0x0F, b"k", value=b"a").status == 0
    assert ask(client, 0x00, b"k").value == b"abc"


def test_delete_looks_at_cas(client: Client) -> None:
    assert ask(client, 0x04, b"k").status == 1
    store(client, b"k", b"v")
    assert ask(client, 0x04, b"k", cas=9).status == 2
    assert ask(client, 0x04, b"k", cas=1).status == 0


def test_increment_and_decrement_may_begin_a_number(client: Client) -> None:
    def change(opcode: int, delta: int, initial: int, ttl: int) -> Reply:
        return ask(client, opcode, b"n", struct.pack(">QQI", delta, initial, ttl))

    assert change(5, 1, 10, 0xFFFFFFFF).status == 1
    assert change(5, 1, 10, 0).value == struct.pack(">Q", 10)
    assert change(5, 3, 10, 0).value == struct.pack(">Q", 13)
    assert change(6, 20, 10, 0).value == struct.pack(">Q", 0)
    store(client, b"n", b"x")
    assert change(5, 1, 0, 0).status == 6


def test_touch_and_gat(server: Server, client: Client) -> None:
    store(client, b"k", b"v", ttl=5)
    assert ask(client, 0x1C, b"k", struct.pack(">I", 100)).status == 0
    server.advance(50)
    assert ask(client, 0x1D, b"k", struct.pack(">I", 200)).value == b"v"
    server.advance(150)
    assert ask(client, 0x23, b"k", struct.pack(">I", 0)).key == b"k"
    assert ask(client, 0x1C, b"none", struct.pack(">I", 100)).status == 1


def test_quiet_requests_answer_only_with_errors(client: Client) -> None:
    extras = struct.pack(">II", 0, 0)
    assert client.raw(request(0x11, b"k", extras, value=b"v") + request(0x19, b"k", value=b"w")) == b""
    assert client.raw(request(0x15, b"n", struct.pack(">QQI", 1, 1, 0))) == b""
    assert client.raw(request(0x14, b"k")) == b""
    assert Reply(client.raw(request(0x14, b"k"))).status == 1
    assert Reply(client.raw(request(0x12, b"n", extras, value=b"v"))).status == 2


def test_the_server_s_commands(client: Client) -> None:
    assert ask(client, 0x0B).value == b"1.6.22"
    assert ask(client, 0x0A).status == 0
    store(client, b"k", b"v")
    assert ask(client, 0x08).status == 0
    assert ask(client, 0x00, b"k").status == 1
    assert client.raw(request(0x18, extras=b"\0\0\0\0")) == b""
    assert ask(client, 0x07).status == 0
    assert client.session.closing


def test_statistics_come_as_one_frame_each(client: Client) -> None:
    data = client.raw(request(0x10))
    names = []
    while data:
        reply = Reply(data)
        names.append(reply.key)
        data = reply.rest
    assert b"curr_items" in names
    assert names[-1] == b""
    assert Reply(client.raw(request(0x10, b"settings"))).key == b"maxbytes"
    assert ask(client, 0x10, b"reset").key == b""
    assert ask(client, 0x10, b"nonsense").status == 1
    assert ask(client, 0x10, b"detail on").status == 0
    store(client, b"user:1", b"v")
    assert b"PREFIX user get 0 hit 0 set 1 del 0" in client.raw(request(0x10, b"detail dump"))


def test_a_value_that_is_too_large_is_skipped(client: Client) -> None:
    assert store(client, b"k", b"x" * 1_100_000).status == 3
    assert ask(client, 0x0A).status == 0


@pytest.mark.parametrize(
    "data",
    [request(0x00), request(0x01, b"k", value=b"v"), request(0x00, b"k", b"1234"), request(0x05, b"k", b"1234"),
     request(0x0B, b"k"), request(0x00, b"k", value=b"v"), request(0x00, b"k" * 251)],
)  # fmt: skip
def test_a_frame_of_the_wrong_shape_is_answered_and_closed(client: Client, data: bytes) -> None:
    assert Reply(client.raw(data)).status == 4
    assert client.session.closing


def test_unknown_requests_and_sasl_are_answered(client: Client) -> None:
    assert ask(client, 0x20).status == 0x81
    assert ask(client, 0x21, b"PLAIN", value=b"\0user\0pass").status == 0x81
    assert ask(client, 0x55).status == 0x81
    assert ask(client, 0x0A).status == 0


def test_a_frame_may_come_in_pieces(client: Client) -> None:
    data = request(0x01, b"k", struct.pack(">II", 0, 0), value=b"value") + request(0x00, b"k")
    reply = b"".join(client.raw(bytes([byte])) for byte in data)
    assert Reply(Reply(reply).rest).value == b"value"


def test_a_listener_may_speak_one_protocol_only(start: StartServer) -> None:
    assert start(protocol=b"ascii").client().raw(request(0x0A) + b"\r\n").startswith(b"ERROR")
    client = start(protocol=b"binary").client()
    client.raw(b"version\r\n" + b" " * 24)
    assert client.session.closing


def test_auto_discovery(client: Client) -> None:
    assert ask(client, 0x60, b"cluster").status == 1
    text = b"1\na.cache|10.0.0.1|11211\n"
    assert ask(client, 0x64, b"cluster", b"\0\0\0\0", value=text).status == 0
    assert ask(client, 0x60, b"cluster").value == text
    assert ask(client, 0x66, b"cluster").status == 0
    assert ask(client, 0x60, b"cluster").status == 1
