"""Usage lines: what a row says of its arguments becomes a tree for COMMAND DOCS and a line for people."""

import pytest

from cachetwin_engine.core import engine as _engine  # noqa: F401  (enters every row into the table)
from cachetwin_engine.core.registry.command_table import ROWS, version_of
from cachetwin_engine.core.registry.usage import (
    BLOCK,
    KEY,
    ONE_OF,
    Argument,
    UsageError,
    known_through,
    parse_usage,
    usage_line,
)


def only(line: str) -> Argument:
    (argument,) = parse_usage(line)
    return argument


def test_every_row_can_be_read_and_shown() -> None:
    for row in ROWS.values():
        arguments = parse_usage(row.arguments)
        assert bool(arguments) == bool(row.arguments), row.name
        assert usage_line(arguments).count("[") == usage_line(arguments).count("]"), row.name


def test_every_row_says_since_when_it_and_its_past_are() -> None:
    for row in ROWS.values():
        for version in (row.since, row.deprecated.partition("|")[0] or "1.0.0", *(when for when, _ in row.history)):
            assert version_of(version) >= (1, 0, 0), row.name


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("", ""),
        ("key value", "key value"),
        ("key...", "key [key ...]"),
        ("[key...]", "[key [key ...]]"),
        ("data=(field value)...", "field value [field value ...]"),
        ("[condition=<NX@2.6.12 | XX>]", "[NX | XX]"),
        ("unit=<M | KM>", "<M | KM>"),
        ("[LIMIT limit=(offset count)]", "[LIMIT offset count]"),
        ("[AGGREGATE aggregate=<SUM | MIN>]", "[AGGREGATE <SUM | MIN>]"),
        ("[GET... pattern...]", "[GET pattern [GET pattern ...]]"),
        ("[ID client-id:integer...]", "[ID client-id [client-id ...]]"),
        ("[operator=<equal== | approximately=~>] threshold", "[= | ~] threshold"),
        ('selector=<key | empty=""> port', '<key | ""> port'),
        ("ADDR addr{ip:port}!2.8.12", "ADDR ip:port"),
        ("by=<circle=(BYRADIUS radius unit=<M | KM>) | BOX>", "<BYRADIUS radius <M | KM> | BOX>"),
    ],
)
def test_a_line_is_shown_as_clients_show_it(line: str, shown: str) -> None:
    assert usage_line(parse_usage(line)) == shown


def test_a_token_belongs_to_the_word_behind_it_or_stands_alone() -> None:
    seconds, get = parse_usage("EX seconds [GET@6.2.0]")
    assert (seconds.name, seconds.token, seconds.type) == ("seconds", "EX", "integer")
    assert (get.name, get.token, get.type, get.since, get.optional) == ("get", "GET", "pure-token", "6.2.0", True)


def test_types_follow_from_names_unless_they_are_written() -> None:
    names = {
        argument.name: argument.type for argument in parse_usage("key count score:double member start:integer pattern")
    }
    assert names == {
        "key": KEY, "count": "integer", "score": "double", "member": "string", "start": "integer", "pattern": "pattern",
    }  # fmt: skip


def test_keys_take_the_next_key_specification_unless_one_is_written() -> None:
    arguments = parse_usage("destination numkeys key... by:pattern#1 other:key#4 last:key")
    assert [argument.key_spec for argument in arguments] == [0, -1, 1, 1, 4, 5]


def test_groups_hold_their_arguments() -> None:
    choice = only("[expiration=<EX seconds | KEEPTTL>...]")
    assert (choice.type, choice.optional, [one.name for one in choice.arguments]) == (
        ONE_OF,
        True,
        ["seconds", "keepttl"],
    )
    block = only("[count-block=(COUNT count [ANY])]")
    assert (block.name, block.type, [one.optional for one in block.arguments]) == ("count-block", BLOCK, [False, True])


def test_what_a_version_does_not_have_is_left_out() -> None:
    line = "key [condition=<NX | IFEQ value@8.1.0>] [group=<A@8.0.0 | B@8.0.0>] [NOVALUES~8.0.0]"
    assert usage_line(known_through(parse_usage(line), (7, 0, 15))) == "key [NX]"
    assert usage_line(known_through(parse_usage(line), (8, 1, 0))) == "key [NX | IFEQ value] [A | B] [NOVALUES]"


@pytest.mark.parametrize("line", ["[key", "name=<a | b", "name=(a", "key ]", "a | b", "name=<a> >", "=x", "[]"])
def test_a_line_that_makes_no_sense_is_refused_with_its_place(line: str) -> None:
    with pytest.raises(UsageError, match="usage line must have"):
        parse_usage(line)
