"""The meta protocol: every command with every flag."""

import pytest
from tests.engine.memcached.conftest import Client, Server, StartServer


def test_mg_returns_what_its_flags_ask_for_in_their_order(server: Server, client: Client) -> None:
    client("set k 5 100 3\nabc")
    server.advance(10)
    assert client("mg k") == b"HD\r\n"
    assert client("mg k t s c f k v Oid") == b"VA 3 t90 s3 c1 f5 kk Oid\r\nabc\r\n"
    assert client("mg k v s") == b"VA 3 s3\r\nabc\r\n"


def test_mg_shows_hits_and_last_access_as_they_were_before_it(server: Server, client: Client) -> None:
    client("set k 0 0 1\na")
    server.advance(7)
    assert client("mg k h l t") == b"HD h0 l7 t-1\r\n"
    assert client("mg k h") == b"HD h1\r\n"


def test_mg_u_leaves_the_lru_alone(client: Client) -> None:
    client("set k 0 0 1\na")
    client("mg k u v")
    assert client("mg k h u") == b"HD h0\r\n"


def test_mg_of_a_missing_key_returns_opaque_and_key(client: Client) -> None:
    assert client("mg none") == b"EN\r\n"
    assert client("mg none v Oabc k") == b"EN Oabc knone\r\n"
    assert client("mg none v q") == b""
    assert client("mg none v q\nmn") == b"MN\r\n"


def test_mg_t_sets_the_time_to_live(server: Server, client: Client) -> None:
    client("set k 0 0 1\na")
    assert client("mg k T30 t") == b"HD t30\r\n"
    server.advance(30)
    assert client("mg k") == b"EN\r\n"


def test_mg_n_makes_an_item_and_lets_one_client_win(client: Client) -> None:
    assert client("mg k N30 v t") == b"VA 0 t30 W\r\n\r\n"
    assert client("mg k N30 v t") == b"VA 0 t30 Z\r\n\r\n"
    assert client("ms k 1 T60\na") == b"HD\r\n"
    assert client("mg k N30 v") == b"VA 1\r\na\r\n"


def test_mg_r_lets_one_client_win_before_the_end(server: Server, client: Client) -> None:
    client("set k 0 100 1\na")
    assert client("mg k R30 t") == b"HD t100\r\n"
    server.advance(80)
    assert client("mg k R30 t") == b"HD t20 W\r\n"
    assert client("mg k R30 t") == b"HD t20 Z\r\n"


def test_md_i_marks_an_item_as_stale_until_it_is_stored_anew(client: Client) -> None:
    client("set k 0 0 1\na")
    assert client("md k I T30") == b"HD\r\n"
    assert client("mg k t v c") == b"VA 1 t30 c2 X W\r\na\r\n"
    assert client("mg k v") == b"VA 1 Z X\r\na\r\n"
    assert client("ms k 1 C1 I\nb") == b"HD\r\n"
    assert client("mg k v") == b"VA 1 Z X\r\nb\r\n"
    client("ms k 1\nc")
    assert client("mg k v") == b"VA 1\r\nc\r\n"


def test_ms_stores_in_each_of_its_modes(client: Client) -> None:
    assert client("ms k 1 ME F7 T100\na") == b"HD\r\n"
    assert client("ms k 1 ME\nx") == b"NS\r\n"
    assert client("ms k 1 MA s\nb") == b"HD s2\r\n"
    assert client("ms k 1 MP\n0") == b"HD\r\n"
    assert client("mg k v f t") == b"VA 3 f7 t100\r\n0ab\r\n"
    assert client("ms k 1 MR\nr") == b"HD\r\n"
    assert client("ms none 1 MR\nr") == b"NS\r\n"
    assert client("ms none 1 MA\nr") == b"NS\r\n"
    assert client("ms k 1 MS c k Oq1\nz") == b"HD c5 kk Oq1\r\n"
    assert client("ms k 1 MX\nz") == b"CLIENT_ERROR invalid mode for ms M token\r\n"


def test_ms_n_lets_append_and_prepend_begin_a_value(client: Client) -> None:
    assert client("ms a 2 MA N30 s\nxy") == b"HD s2\r\n"
    assert client("ms b 2 MP N30\nxy") == b"HD\r\n"
    assert client("mg a v t") == b"VA 2 t30\r\nxy\r\n"


def test_ms_c_stores_only_over_the_number_it_names(client: Client) -> None:
    assert client("ms k 1 C5\na") == b"NF\r\n"
    client("ms k 1\na")
    assert client("ms k 1 C5\nb") == b"EX\r\n"
    assert client("ms k 1 C1 c\nb") == b"HD c2\r\n"
    assert client("ms k 1 C1 MA c\nb") == b"EX c0\r\n"


def test_ms_q_hides_success_only(client: Client) -> None:
    assert client("ms k 1 q\na") == b""
    assert client("ms k 1 q ME\na") == b"NS\r\n"
    assert client("ms k 1 q bad\nab") == b"CLIENT_ERROR error decoding key\r\nERROR\r\n"


def test_md_deletes_with_conditions(client: Client) -> None:
    assert client("md k") == b"NF\r\n"
    client("set k 0 0 1\na")
    assert client("md k C9 k O1") == b"EX kk O1\r\n"
    assert client("md k C1") == b"HD\r\n"
    client("set k 0 0 1\na")
    assert client("md k q") == b""
    assert client("md k q O1") == b"NF O1\r\n"


def test_ma_counts_with_start_value_and_modes(client: Client) -> None:
    assert client("ma n") == b"NF\r\n"
    assert client("ma n N30 J13 v t") == b"VA 2 t30\r\n13\r\n"
    assert client("ma n v") == b"VA 2\r\n14\r\n"
    assert client("ma n D10 v") == b"VA 2\r\n24\r\n"
    assert client("ma n MD D20 v") == b"VA 1\r\n4\r\n"
    assert client("ma n M- D20 v") == b"VA 1\r\n0\r\n"
    assert client("ma n MI v q") == b""
    assert client("ma n M+ C1") == b"EX\r\n"
    assert client("ma n T60 t c k Oz") == b"HD t60 c7 kn Oz\r\n"
    assert client("ma n MX") == b"CLIENT_ERROR invalid mode for ma M token\r\n"
    client("set s 0 0 1\nx")
    assert client("ma s") == b"CLIENT_ERROR cannot increment or decrement non-numeric value\r\n"


def test_base64_keys_stand_for_their_bytes(client: Client) -> None:
    assert client("ms AAEC 1 b k\na") == b"HD kAAEC b\r\n"
    assert client("mg AAEC b k v") == b"VA 1 kAAEC b\r\na\r\n"
    assert client("mg AAEC k") == b"EN kAAEC\r\n"
    assert client("md AAEC b k") == b"HD kAAEC b\r\n"
    assert client("mg AAEC b k") == b"EN kAAEC b\r\n"
    assert client("mg AA= b") == b"CLIENT_ERROR error decoding key\r\n"


def test_me_shows_the_item(server: Server, client: Client) -> None:
    assert client("me k") == b"EN\r\n"
    client("set k 0 100 3\nabc")
    server.advance(10)
    assert client("me k") == b"ME k exp=-90 la=10 cas=1 fetch=no cls=1 size=63\r\n"
    client("ms AAEC 1 b\na")
    assert client("me AAEC b").startswith(b"ME AAEC exp=-1 ")
    assert client("me") == b"CLIENT_ERROR bad command line format\r\n"
    assert client("me AA= b") == b"CLIENT_ERROR bad command line format\r\n"


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("mg", b"ERROR\r\n"),
        ("ms", b"ERROR\r\n"),
        ("md", b"ERROR\r\n"),
        ("ma", b"ERROR\r\n"),
        ("mz", b"ERROR\r\n"),
        ("mg " + "k" * 251, b"CLIENT_ERROR bad command line format\r\n"),
        ("mg k v v", b"CLIENT_ERROR duplicate flag\r\n"),
        ("mg k !", b"CLIENT_ERROR invalid flag\r\n"),
        ("mg k Tx", b"CLIENT_ERROR bad token in command line format\r\n"),
        ("mg k Rx", b"CLIENT_ERROR bad token in command line format\r\n"),
        ("mg k O" + "x" * 32, b"CLIENT_ERROR opaque token too long\r\n"),
        ("mg k a b c d e f g h i j k l m n o p q r", b"CLIENT_ERROR options flags are too long\r\n"),
        ("mg k E5", b"CLIENT_ERROR invalid flag\r\n"),
        ("ms k", b"CLIENT_ERROR bad command line format\r\n"),
        ("ms k x", b"CLIENT_ERROR bad command line format\r\n"),
        ("ms k -1", b"CLIENT_ERROR bad command line format\r\n"),
        ("ms k 1 Fx\na", b"CLIENT_ERROR bad command line format\r\n"),
        ("ms k 1 MAA\na", b"CLIENT_ERROR incorrect length for M token\r\n"),
        ("md k v v", b"CLIENT_ERROR invalid or duplicate flag\r\n"),
        ("ma k Dx", b"CLIENT_ERROR invalid or duplicate flag\r\n"),
        ("mn", b"MN\r\n"),
    ],
)
def test_errors_of_flags(client: Client, line: str, reply: bytes) -> None:
    assert client(line) == reply


def test_the_newest_version_has_more_flags(start: StartServer) -> None:
    client = start(version=b"1.6.45").client()
    assert client("ms k 1 E77 c\na") == b"HD c77\r\n"
    assert client("mg k C77 v c") == b"HD c77\r\n"
    assert client("mg k C1 v c") == b"VA 1 c77\r\na\r\n"
    assert client("md k x I E99") == b"HD\r\n"
    assert client("mg k v c") == b"VA 0 c99 X W\r\n\r\n"
    assert client("ma n N0 J5 E9 c v") == b"VA 1 c9\r\n5\r\n"


def test_the_newest_version_has_other_texts(start: StartServer) -> None:
    client = start(version=b"1.6.45").client()
    assert client(" ") == b"CLIENT_ERROR bad command line format\r\n"
    assert client("mg") == b"CLIENT_ERROR bad command line format\r\n"
    assert client("shutdown") == b"SERVER_ERROR: shutdown not enabled\r\n"
    assert client("lru_crawler metadump all") == b"OK\r\nEND\r\n"
    assert client("me none") == b"EN\r\n"


def test_ma_takes_a_key_in_base64(client: Client) -> None:
    assert client("ma AAEC b N0 J5 v k") == b"VA 1 kAAEC b\r\n5\r\n"
    assert client("ma AAEC b D2 v k") == b"VA 1 kAAEC b\r\n7\r\n"
    assert client("mg AAEC b v") == b"VA 1\r\n7\r\n"
    assert client("mg AAEC") == b"EN\r\n"


@pytest.mark.parametrize(
    "request_", ["ma x Mi", "ma x Md", "ms x 1 Ma\n1", "ms x 1 Me\n1", "ms x 1 Mr\n1", "ms x 1 Ms\n1"]
)
def test_modes_are_capital_letters(client: Client, request_: str) -> None:
    assert client(request_) == b"CLIENT_ERROR invalid mode for " + request_[:2].encode() + b" M token\r\n"
