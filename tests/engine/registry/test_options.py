"""Options are read as the usage line lists them: which there are, how many values each takes, since which version."""

import pytest
from tests.engine.in_process import Run, StartRun

from cachetwin_engine.core.config.profile import PROFILES
from cachetwin_engine.core.engine import Engine
from cachetwin_engine.core.protocol.errors import CommandError
from cachetwin_engine.core.registry.options import REST, OptionReader, option_sizes, read_options

ENGINE = Engine(PROFILES["valkey-9.1"], lambda: 0, 1)


def reader(name: bytes, words: str, refusal: bytes = b"") -> OptionReader:
    args = words.encode().split()
    return read_options(ENGINE.commands[name], args, 0, len(args), refusal)


def all_words(options: OptionReader) -> list[bytes]:
    found: list[bytes] = []
    while word := options.next_word():
        found.append(word)
    return found


def test_tokens_take_as_many_values_as_the_usage_line_gives_them() -> None:
    sizes = option_sizes(ENGINE.commands[b"sort"])
    assert sizes == {b"BY": 1, b"LIMIT": 2, b"GET": 1, b"ASC": 0, b"DESC": 0, b"ALPHA": 0, b"STORE": 1}


def test_a_token_that_leads_a_group_takes_what_is_not_optional_in_it() -> None:
    assert option_sizes(ENGINE.commands[b"failover"]) == {b"TO": 2, b"FORCE": 0, b"ABORT": 0, b"TIMEOUT": 1}


def test_a_repeated_value_takes_the_rest() -> None:
    assert option_sizes(ENGINE.commands[b"migrate"])[b"KEYS"] == REST


def test_words_that_are_not_optional_are_no_options() -> None:
    assert option_sizes(ENGINE.commands[b"lmpop"]) == {b"COUNT": 1}


def test_options_of_later_versions_are_unknown() -> None:
    older = Engine(PROFILES["redis-6.2"], lambda: 0, 1)
    assert option_sizes(older.commands[b"xsetid"]) == {}
    assert set(option_sizes(ENGINE.commands[b"xsetid"])) == {b"ENTRIESADDED", b"MAXDELETEDID"}


def test_options_come_in_the_order_of_the_words_whatever_their_case() -> None:
    options = reader(b"lpos", "count 2 RANK -1")
    assert (options.next_word(), options.value, options.at) == (b"COUNT", b"2", 0)
    assert (options.next_word(), options.value, options.at) == (b"RANK", b"-1", 2)
    assert options.next_word() == b""
    assert options.next_word() == b""


@pytest.mark.parametrize("words", ["COUNT", "COUNT 1 RANK", "NX", "COUNT 1 2"])
def test_an_unknown_word_or_a_missing_value_is_a_syntax_error(words: str) -> None:
    with pytest.raises(CommandError) as caught:
        all_words(reader(b"lpos", words))
    assert caught.value.line == b"ERR syntax error"


def test_the_refusal_names_the_word_as_it_was_given() -> None:
    with pytest.raises(CommandError) as caught:
        reader(b"xclaim", "Idel 1", b"ERR no option '%b'").next_word()
    assert caught.value.line == b"ERR no option 'Idel'"


def test_a_handler_says_how_many_values_a_repeated_one_has() -> None:
    options = reader(b"zunion", "WEIGHTS 1 2 AGGREGATE MAX")
    assert options.next_word() == b"WEIGHTS"
    assert options.take(2) == [b"1", b"2"]
    assert options.next_word() == b"AGGREGATE"
    with pytest.raises(CommandError):
        options.take(2)


def test_errors_come_in_the_order_of_the_words(run: Run) -> None:
    run("RPUSH k a")
    assert run("LPOS k a COUNT -1 NOSUCH") == b"-ERR COUNT can't be negative\r\n"
    assert run("LPOS k a NOSUCH COUNT -1") == b"-ERR syntax error\r\n"


def test_an_option_of_a_later_version_is_refused(start_run: StartRun) -> None:
    run = start_run("redis-6.2")
    run("XADD s 1-1 f v")
    assert run("XSETID s 5-5 ENTRIESADDED 7") == b"-ERR syntax error\r\n"
