"""Templates as text, JSON and YAML."""

from pathlib import Path

import pytest

from cachetwin_local.assembly.reader import read_template
from cachetwin_local.assembly.template_text import parse_template_text
from cachetwin_local.errors import UserError
from cachetwin_local.plan.planner import plan

TEMPLATE = """
AWSTemplateFormatVersion: 2010-09-09
Parameters:
  Size: {Type: String, Default: cache.t4g.small}
  Encrypted: {Type: String, Default: false, AllowedValues: [True, False]}
Conditions:
  Tls: !Equals [!Ref Encrypted, true]
Mappings:
  Ports:
    6380: {Port: 6380}
Resources:
  Cache:
    Type: AWS::ElastiCache::ReplicationGroup
    Properties:
      ReplicationGroupDescription: !Sub "of ${AWS::StackName}"
      Engine: valkey
      CacheNodeType: !Ref Size
      NumCacheClusters: 1
      Port: !FindInMap [Ports, 6380, Port]
      TransitEncryptionEnabled: !If [Tls, true, !Ref AWS::NoValue]
Outputs:
  Address:
    Value: !Join [":", [!GetAtt Cache.PrimaryEndPoint.Address, !GetAtt [Cache, PrimaryEndPoint.Port]]]
"""


def test_short_forms_are_the_functions_that_they_stand_for() -> None:
    parsed = parse_template_text(TEMPLATE, "t.yaml")
    assert parsed["AWSTemplateFormatVersion"] == "2010-09-09"
    assert parsed["Conditions"]["Tls"] == {"Fn::Equals": [{"Ref": "Encrypted"}, True]}
    assert parsed["Mappings"]["Ports"] == {"6380": {"Port": 6380}}
    properties = parsed["Resources"]["Cache"]["Properties"]
    assert properties["CacheNodeType"] == {"Ref": "Size"}
    assert properties["ReplicationGroupDescription"] == {"Fn::Sub": "of ${AWS::StackName}"}
    assert properties["TransitEncryptionEnabled"] == {"Fn::If": ["Tls", True, {"Ref": "AWS::NoValue"}]}
    joined = parsed["Outputs"]["Address"]["Value"]["Fn::Join"][1]
    assert joined == [
        {"Fn::GetAtt": ["Cache", "PrimaryEndPoint.Address"]},
        {"Fn::GetAtt": ["Cache", "PrimaryEndPoint.Port"]},
    ]


def test_a_template_is_a_stack_named_like_its_file(tmp_path: Path) -> None:
    path = tmp_path / "my_shop.cfn.yml"
    path.write_text(TEMPLATE)
    topology = plan(read_template(path, "eu-central-1"))
    assert (topology.stacks, topology.region) == (("my-shop",), "eu-central-1")
    (cache,) = topology.replication_groups
    assert cache.endpoint.port == 6380
    assert cache.endpoint.tls == "off"
    assert [output.value for output in topology.outputs] == [f"{cache.endpoint.address}:6380"]


def test_a_nested_template_is_found_beside_its_parent(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "data.yaml").write_text(TEMPLATE)
    nested = "Resources: {Data: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: ./parts/data.yaml}}}"
    (tmp_path / "app.yaml").write_text(nested)
    topology = plan(read_template(tmp_path / "app.yaml"))
    assert [group.identity.key for group in topology.replication_groups] == ["app-Data/Cache"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Resources: {A: [}", "must be JSON or YAML, line 1, column 17"),
        ("- 1", "must hold a template, an object with Resources, got list"),
        ("{}", "must hold a template with Resources, got nothing"),
        ("Resources: []", "stack t, Resources: must be an object, got list"),
        ("Resources:\n  A: !Ref [" + "[" * 3000, "nested too deeply|must be JSON or YAML"),
    ],
)
def test_a_file_that_is_no_template_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        read_template(path)


def test_an_empty_section_is_a_section_without_entries(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(
        "Parameters:\nConditions:\nResources: {Group: {Type: AWS::Logs::LogGroup, Properties: }}\nOutputs:\n"
    )
    assert [one.status for one in plan(read_template(path)).coverage] == ["modelled"]


def test_a_loop_over_what_is_not_known_is_named_and_the_rest_is_planned(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(
        "Transform: AWS::LanguageExtensions\n"
        "Resources:\n"
        "  Group: {Type: AWS::Logs::LogGroup}\n"
        "  Fn::ForEach::Topics: [Name, !Split [',', x], {'Topic${Name}': {Type: AWS::SNS::Topic}}]\n"
        "Outputs:\n"
        "  Fn::ForEach::Topics: [Name, !Split [',', x], {'Out${Name}': {Value: x}}]\n"
    )
    topology = plan(read_template(path))
    notes = {one.identity.logical_id: one.note for one in topology.coverage if one.status == "not readable"}
    assert list(notes) == ["Fn::ForEach::Topics"]
    assert "Fn::ForEach is not expanded here" in notes["Fn::ForEach::Topics"]
    assert ["intrinsic function must be one of" in output.note for output in topology.outputs] == [True]
