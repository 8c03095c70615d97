"""What ElastiCache Serverless leaves of Memcached."""

import pytest
from tests.engine.memcached.conftest import Client, StartServer

from cachetwin_engine.server.config import OptionError
from cachetwin_engine.server.memcached.options import parse


@pytest.fixture
def client(start: StartServer) -> Client:
    """A client of a serverless cache."""
    return start(serverless=True, elasticache=True, protocol=b"ascii").client()


@pytest.mark.parametrize(
    "text",
    [
        "stats items", "stats settings", "lru mode flat", "lru_crawler enable", "watch fetchers", "verbosity 1", "me k",
        "slabs automove 1", "cache_memlimit 64", "shutdown", "refresh_certs", "debugtime p",
    ],
)  # fmt: skip
def test_commands_that_configure_the_engine_or_show_its_inside_are_unknown(client: Client, text: str) -> None:
    assert client(text) == b"ERROR\r\n"


def test_statistics_are_the_general_ones(client: Client) -> None:
    assert client("stats").startswith(b"STAT pid ")
    assert client("stats reset") == b"RESET\r\n"


def test_a_flush_takes_no_delay(client: Client) -> None:
    client("set k 0 0 1\nv")
    assert client("flush_all 10") == b"CLIENT_ERROR flush_all with a delay is not supported\r\n"
    assert client("get k") != b"END\r\n"
    assert client("flush_all 0") == b"OK\r\n"
    assert client("get k") == b"END\r\n"
    assert client("flush_all noreply") == b""


def test_a_get_has_at_most_16_kilobytes(client: Client) -> None:
    key = "k" * 200
    assert client("get " + " ".join([key] * 80)) == b"END\r\n"
    assert client("get " + " ".join([key] * 90)) == b"CLIENT_ERROR line too long\r\n"
    assert client("gets " + " ".join([key] * 90)) == b"CLIENT_ERROR line too long\r\n"


def test_data_commands_of_both_text_protocols_are_there(client: Client) -> None:
    assert client("set k 0 0 1\nv") == b"STORED\r\n"
    assert client("mg k v") == b"VA 1\r\nv\r\n"
    assert client("incr k 1") == b"CLIENT_ERROR cannot increment or decrement non-numeric value\r\n"


def test_there_is_no_binary_protocol(client: Client) -> None:
    assert client.raw(b"\x80\x0b" + bytes(22) + b"\r\n") == b"ERROR\r\n"


def test_the_option_closes_what_the_nodes_close_too() -> None:
    settings = parse(["--elasticache", "--serverless", "yes"]).settings
    assert (settings.serverless, settings.elasticache, settings.protocol) == (True, True, b"ascii")
    assert not parse(["--serverless", "no"]).settings.serverless
    with pytest.raises(OptionError, match="serverless must be yes or no, got 'maybe'"):
        parse(["--serverless", "maybe"])
