"""Mapping templates as text."""

from typing import Any

import pytest

from cachetwin_local.supervise.api.rest.json_path import find
from cachetwin_local.supervise.api.rest.velocity import TemplateFailed, render

ORDER = {
    "id": 7,
    "paid": True,
    "note": None,
    "items": [{"sku": "a b", "n": 1}, {"sku": "c", "n": 2}],
    "to": {"x-y": "z"},
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("$o.id $o.paid $o.note|$o.nothing|$!o.nothing", "7 true ||"),
        ("$o.items $o.to", "[{sku=a b, n=1}, {sku=c, n=2}] {x-y=z}"),
        ("#foreach($i in $o.items)$foreach.count:$i.sku#if($foreach.hasNext),#end#end", "1:a b,2:c"),
        ("#set($n = $o.items.size())#if($n > 1 && $o.paid)many#{else}few#end", "many"),
        ('#if($o.to.containsKey("x-y"))$o.to.get("x-y").toUpperCase()#end', "Z"),
        ("$o.items[1].sku.equals('c') $o.items[0].sku.matches('a')", "true false"),
        ("#foreach($e in $o.to.entrySet())$e.key=$e.value#end", "x-y=z"),
        ("## a comment\n#*another*#costs 5$ and $5", "costs 5$ and $5"),
        ('#set($l = [])#set($ignored = $l.add("a"))#set($ignored = $l.add("b"))$l.size()', "2"),
        ("${o.id}th #set($m = {})#set($ignored = $m.put('a', 1))$m", "7th {a=1}"),
    ],
)
def test_a_template_is_rendered_as_the_service_renders_it(template: str, text: str) -> None:
    assert render(template, {"o": ORDER}) == text


def test_a_template_that_cannot_be_read_fails_with_the_place() -> None:
    with pytest.raises(TemplateFailed, match="line 1"):
        render("#if($x", {})


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", ORDER),
        ("$.items[0].sku", "a b"),
        ("$.items[-1]['n']", 2),
        ("$.items[*].n", [1, 2]),
        ("$['to'][\"x-y\"]", "z"),
        ("id", 7),
        ("$.items[9]", None),
        ("$.id.deeper", None),
    ],
)
def test_a_path_finds_its_part_of_a_document(path: str, found: Any) -> None:  # noqa: ANN401
    assert find(path, ORDER) == found


def test_a_path_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match="such as"):
        find("$.items[?(@.n > 1)]", ORDER)
