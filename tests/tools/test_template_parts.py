"""What the script that deploys to emulators leaves out of a template, and the page it writes."""

import json
from pathlib import Path
from typing import Any

import pytest
from tools.deployments.existence import CHECKS
from tools.deployments.template_parts import only, refers_to, types_in_order

ROOT = Path(__file__).parents[2]
GOLDEN = sorted((ROOT / "tests" / "golden").glob("*.template.json"))


def references(value: object) -> set[str]:
    match value:
        case {"Ref": str(name)}:
            return {name}
        case {"Fn::GetAtt": [str(name), *_]}:
            return {name}
        case dict():
            return set().union(*map(references, value.values()))
        case list():
            return set().union(*map(references, value))
        case _:
            return set()


@pytest.fixture(params=GOLDEN, ids=lambda path: path.name.split(".")[0])
def template(request: pytest.FixtureRequest) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(request.param.read_text())
    return loaded


def test_whatever_is_left_out_nothing_refers_to_it(template: dict[str, Any]) -> None:
    every = types_in_order(template)
    assert set(every) == {resource["Type"] for resource in template["Resources"].values()}
    for left_out in every:
        part = only(template, set(every) - {left_out})
        assert left_out not in {resource["Type"] for resource in part["Resources"].values()}
        gone = set(template["Resources"]) - set(part["Resources"])
        assert not gone & references(part)
        assert not gone & {name for one in part["Resources"].values() for name in one.get("DependsOn", [])}


def test_a_template_with_every_type_is_the_template(template: dict[str, Any]) -> None:
    assert only(template, types_in_order(template)) == template


def test_a_type_comes_after_those_it_refers_to() -> None:
    order = types_in_order(json.loads((ROOT / "tests" / "golden" / "web_app.template.json").read_text()))
    cache = ("EC2::VPC", "EC2::SecurityGroup", "ElastiCache::ReplicationGroup", "ECS::TaskDefinition", "ECS::Service")
    users = ("SecretsManager::Secret", "ElastiCache::User", "ElastiCache::UserGroup", "ElastiCache::ReplicationGroup")
    for chain in (cache, users):
        places = [order.index(f"AWS::{name}") for name in chain]
        assert places == sorted(places)


def test_the_types_that_a_type_refers_to_are_known() -> None:
    template = json.loads((ROOT / "tests" / "golden" / "web_app.template.json").read_text())
    assert refers_to(template, "AWS::ElastiCache::UserGroup") == {"AWS::ElastiCache::User"}


def test_a_port_is_replaced_by_a_number_and_a_name_in_a_text_by_text() -> None:
    template = {
        "Resources": {
            "Cache": {"Type": "A"},
            "Rule": {
                "Type": "B",
                "DependsOn": "Cache",
                "Properties": {
                    "Port": {"Fn::GetAtt": ["Cache", "Endpoint.Port"]},
                    "Text": {"Fn::Sub": "${Cache}/${AWS::Region}/${Cache.Arn}/${!Cache}"},
                },
            },
        },
        "Outputs": {"One": {"Value": {"Ref": "Cache"}}, "Other": {"Value": {"Ref": "Rule"}}},
    }
    assert only(template, {"B"}) == {
        "Resources": {
            "Rule": {
                "Type": "B",
                "Properties": {"Port": "6379", "Text": {"Fn::Sub": "Cache/${AWS::Region}/Cache.Arn/${!Cache}"}},
            }
        },
        "Outputs": {"Other": {"Value": {"Ref": "Rule"}}},
    }


def test_resources_in_a_circle_are_named() -> None:
    ring = {
        "Resources": {"A": {"Type": "X", "DependsOn": ["B"]}, "B": {"Type": "Y", "Properties": {"To": {"Ref": "A"}}}}
    }
    with pytest.raises(ValueError, match=r"must not refer to each other in a circle, got \['A', 'B', 'A'\]|\['B'"):
        types_in_order(ring)


def test_every_type_of_the_architectures_can_be_looked_up_and_is_on_the_page(template: dict[str, Any]) -> None:
    types = set(types_in_order(template))
    assert types <= set(CHECKS)
    page = (ROOT / "docs" / "deployments.md").read_text()
    assert {name for name in types if f"| {name} |" not in page} == set()
