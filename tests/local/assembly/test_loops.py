"""Loops of templates: Fn::ForEach."""

from pathlib import Path
from typing import Any

import pytest

from cachetwin_local.assembly.loops import expand_loops
from cachetwin_local.assembly.reader import read_template
from cachetwin_local.assembly.template import Json
from cachetwin_local.plan.planner import plan

LOOP = "Fn::ForEach::Each"


def test_each_value_takes_the_place_of_the_identifier_in_keys_texts_and_references() -> None:
    body = {"Q${N}": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "N"}, "Tag": ["${N}-x", 1, None]}}}
    assert expand_loops({"Resources": {LOOP: ["N", ["a", 7], body], "Kept": {"Type": "T"}}})["Resources"] == {
        "Qa": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "a", "Tag": ["a-x", 1, None]}},
        "Q7": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "7", "Tag": ["7-x", 1, None]}},
        "Kept": {"Type": "T"},
    }


def test_an_ampersand_keeps_letters_and_digits_alone() -> None:
    expanded = expand_loops({"Resources": {LOOP: ["Ip", ["10.0.0.1"], {"Rule&{Ip}": {"Cidr": "${Ip}/32"}}]}})
    assert expanded["Resources"] == {"Rule10001": {"Cidr": "10.0.0.1/32"}}


def test_a_loop_in_a_loop_and_in_properties_is_expanded() -> None:
    inner = {
        "Fn::ForEach::Inner": [
            "B",
            ["x", "y"],
            {"R${A}${B}": {"Fn::ForEach::P": ["P", ["Name"], {"${P}": "${A}${B}"}]}},
        ]
    }
    expanded = expand_loops({"Resources": {LOOP: ["A", ["1", "2"], inner]}})
    assert expanded["Resources"] == {f"R{a}{b}": {"Name": f"{a}{b}"} for a in "12" for b in "xy"}


def test_a_list_parameter_gives_its_default() -> None:
    parameters = {"Names": {"Type": "CommaDelimitedList", "Default": "a, b"}}
    expanded = expand_loops({"Parameters": parameters, "Resources": {LOOP: ["N", {"Ref": "Names"}, {"R${N}": 1}]}})
    assert expanded["Resources"] == {"Ra": 1, "Rb": 1}


@pytest.mark.parametrize(
    "loop",
    [
        [],
        "x",
        ["N", ["a"]],
        ["N", {"Ref": "Nobody"}, {}],
        ["N", {"Ref": ["a"]}, {}],
        [1, ["a"], {}],
        ["N", [["a"]], {}],
        ["N", [True], {}],
        ["N", ["a"], []],
    ],
)
def test_a_loop_that_cannot_be_expanded_stays(loop: Json) -> None:
    template: dict[str, Json] = {"Resources": {LOOP: loop}}
    assert expand_loops(template) == template


def test_loops_that_make_too_much_stay() -> None:
    body: Any = {"R${A}${B}${C}": 1}
    for name in "CBA":
        body = {f"Fn::ForEach::{name}": [name, [str(number) for number in range(100)], body]}
    template = {"Resources": body}
    assert expand_loops(template) == template


def test_what_a_loop_makes_runs(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(
        "Transform: AWS::LanguageExtensions\n"
        "Resources:\n"
        "  Fn::ForEach::Caches:\n"
        "    - Name\n"
        "    - [Sessions, Pages]\n"
        "    - Cache${Name}:\n"
        "        Type: AWS::ElastiCache::ReplicationGroup\n"
        "        Properties: {ReplicationGroupDescription: !Sub 'of ${Name}', Engine: valkey, NumCacheClusters: 1,\n"
        "          CacheNodeType: cache.t4g.micro}\n"
        "Outputs:\n"
        "  Fn::ForEach::Outs:\n"
        "    - Name\n"
        "    - [Sessions, Pages]\n"
        "    - Out${Name}: {Value: !GetAtt [!Sub 'Cache${Name}', PrimaryEndPoint.Port]}\n"
    )
    topology = plan(read_template(path))
    assert [group.identity.key for group in topology.replication_groups] == ["t/CacheSessions", "t/CachePages"]
    assert {output.name: output.note for output in topology.outputs} == {"OutSessions": "", "OutPages": ""}
