"""Damaged templates are drawn as far as they can be read, or refused with a reason; never a traceback."""

import json
import random
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from tools.damaged_templates import damage
from tools.pictures import ROOT, STACKS, assembly_of

from cachetwin_local.assembly.template import Json
from cachetwin_local.drawing.architecture import Architecture
from cachetwin_local.drawing.mermaid import to_mermaid
from cachetwin_local.drawing.reading.survey import architecture_of
from cachetwin_local.drawing.svg import to_svg
from cachetwin_local.errors import UserError

ROUNDS = 25


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", STACKS)
def test_a_damaged_template_is_drawn_or_refused(name: str, seed: int, tmp_path: Path) -> None:
    choice = random.Random(seed)  # noqa: S311  (the same damage at every run)
    text = (ROOT / "tests" / "golden" / f"{name}.template.json").read_text(encoding="utf-8")
    path = tmp_path / "template.json"
    drawn = 0
    for _ in range(ROUNDS):
        template = json.loads(text)
        for _ in range(choice.randint(1, 5)):
            damage(template, choice)
        path.write_text(json.dumps(template), encoding="utf-8")
        try:
            architecture = architecture_of(assembly_of(App=path))
        except UserError:
            continue
        assert to_svg(architecture)
        assert to_mermaid(architecture)
        drawn += 1
    assert drawn > ROUNDS / 2


def picture(tmp_path: Path, **resources: Json) -> Architecture:
    path = tmp_path / "template.json"
    path.write_text(json.dumps({"Resources": resources}))
    return architecture_of(assembly_of(App=path))


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("ReplicationGroup", "NumNodeGroups"),
        ("ReplicationGroup", "NumCacheClusters"),
        ("ReplicationGroup", "ReplicasPerNodeGroup"),
        ("CacheCluster", "NumCacheNodes"),
    ],
)
@pytest.mark.parametrize("count", [10**9, 10**30, "9" * 5000, -5, "²"])
def test_counts_beyond_the_service_are_drawn_at_once(tmp_path: Path, kind: str, name: str, count: Json) -> None:
    cache = {"Type": f"AWS::ElastiCache::{kind}", "Properties": {"Engine": "memcached", name: count}}
    architecture = picture(tmp_path, Cache=cache)
    assert "</svg>" in to_svg(architecture)
    assert "Amazon ElastiCache" in to_mermaid(architecture)


def test_characters_that_xml_forbids_are_replaced(tmp_path: Path) -> None:
    named = {"aws:cdk:path": 'App/a\x00b\ud800<script>&\nc`"/Resource'}
    cache = {"Type": "AWS::ElastiCache::ReplicationGroup", "Metadata": named, "Properties": {"Engine": "valkey\x07"}}
    unknown = {"Type": "AWS::Made::<Up>\x02"}
    architecture = picture(tmp_path, Cache=cache, **{"Odd\x00": unknown})
    svg = to_svg(architecture)
    Xml.fromstring(svg)  # noqa: S314  (our own text)
    assert "a\ufffdb\ufffd&lt;script&gt;&amp;" in svg
    text = to_mermaid(architecture)
    assert "a\ufffdb\ufffd#60;script#62;#38; c#96;#34;" in text
    for written in (svg, text):
        assert not {"\x00", "\x02", "\x07", "\ud800"} & set(written)
        written.encode()
