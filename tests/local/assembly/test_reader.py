"""Reading cdk.out: manifests, assets, stages, nested stacks, and what may be wrong with them."""

import json
from pathlib import Path

import pytest

from cachetwin_local.assembly.reader import read_assembly
from cachetwin_local.assembly.template import Json
from cachetwin_local.errors import UserError
from cachetwin_local.plan.planner import plan

GROUP = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/app"}}


def stack_artifact(template: str, **properties: Json) -> dict[str, Json]:
    dependencies = properties.pop("dependencies", [])
    environment = properties.pop("environment", "aws://unknown-account/unknown-region")
    return {
        "type": "aws:cloudformation:stack",
        "environment": environment,
        "properties": {"templateFile": template, **properties},
        "dependencies": dependencies,
    }


def write(directory: Path, artifacts: dict[str, Json], **files: Json) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "manifest.json").write_text(json.dumps({"version": "55.0.0", "artifacts": artifacts}))
    for name, content in files.items():
        (directory / name.replace("__", ".")).write_text(json.dumps(content))
    return directory


def test_stacks_come_in_the_order_of_their_dependencies(tmp_path: Path) -> None:
    artifacts = {
        "Web": stack_artifact("web.json", dependencies=["Data", "Web.assets"]),
        "Data": stack_artifact("data.json", stackName="shop-data"),
    }
    assembly = read_assembly(
        write(tmp_path, artifacts, web__json={"Resources": {}}, data__json={"Resources": {"A": GROUP}})
    )
    assert list(assembly.stacks) == ["shop-data", "Web"]
    assert assembly.stacks["Web"].dependencies == ("shop-data",)


def test_an_environment_that_the_app_fixes_is_kept_and_an_open_one_is_local(tmp_path: Path) -> None:
    artifacts = {
        "A": stack_artifact("a.json"),
        "B": stack_artifact("a.json", environment="aws://123456789012/eu-west-1"),
    }
    assembly = read_assembly(write(tmp_path, artifacts, a__json={"Resources": {}}))
    assert (assembly.stacks["A"].account, assembly.stacks["A"].region) == ("000000000000", "us-east-1")
    assert (assembly.stacks["B"].account, assembly.stacks["B"].region) == ("123456789012", "eu-west-1")


def test_docker_and_file_assets_are_found_by_hash_with_paths_below_the_assembly(tmp_path: Path) -> None:
    image = {
        "source": {"directory": "asset.abc", "dockerFile": "Dockerfile.web", "dockerBuildArgs": {"A": "1"}},
        "destinations": {"x": {"repositoryName": "r", "imageTag": "abc"}},
    }
    file = {
        "source": {"path": "asset.def", "packaging": "zip"},
        "destinations": {"x": {"bucketName": "b", "objectKey": "def.zip"}},
    }
    artifacts = {"A.assets": {"type": "cdk:asset-manifest", "properties": {"file": "a.assets.json"}}}
    files = {"a.assets.json": {"files": {"def": file}, "dockerImages": {"abc": image}}}
    assembly = read_assembly(write(tmp_path, artifacts, **files))
    assert assembly.docker_assets["abc"].directory == "asset.abc"
    assert assembly.docker_assets["abc"].dockerfile == "Dockerfile.web"
    assert assembly.docker_assets["abc"].build_args == {"A": "1"}
    assert assembly.file_assets["def"].object_key == "def.zip"


def test_a_stage_is_read_with_the_app(tmp_path: Path) -> None:
    stage = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Prod"}}
    asset = {"source": {"directory": "../asset.abc"}, "destinations": {"x": {"imageTag": "abc"}}}
    inner = {
        "ProdWeb": stack_artifact("web.json", stackName="Prod-Web"),
        "ProdWeb.assets": {"type": "cdk:asset-manifest", "properties": {"file": "web.assets.json"}},
    }
    inner["ProdWeb"]["displayName"] = "Prod/Web"
    write(
        tmp_path / "assembly-Prod",
        inner,
        **{"web.json": {"Resources": {}}, "web.assets.json": {"dockerImages": {"abc": asset}}},
    )
    assembly = read_assembly(write(tmp_path, {"assembly-Prod": stage}))
    assert assembly.stacks["Prod-Web"].display_name == "Prod/Web"
    assert assembly.docker_assets["abc"].directory == "asset.abc"


def test_a_nested_stack_gets_parameters_from_its_parent_and_gives_outputs_back(tmp_path: Path) -> None:
    parent = {
        "Resources": {
            "Child": {
                "Type": "AWS::CloudFormation::Stack",
                "Properties": {"Parameters": {"Name": {"Ref": "Outer"}}, "TemplateURL": "x"},
                "Metadata": {"aws:asset:path": "child.json"},
            },
            "Outer": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/outer"}},
        },
        "Outputs": {"Inner": {"Value": {"Fn::GetAtt": ["Child", "Outputs.Group"]}}},
    }
    child = {
        "Parameters": {"Name": {"Type": "String"}},
        "Resources": {
            "Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": {"Fn::Sub": "${Name}/inner"}}}
        },
        "Outputs": {"Group": {"Value": {"Ref": "Group"}}},
    }
    assembly = read_assembly(write(tmp_path, {"App": stack_artifact("app.json")}, app__json=parent, child__json=child))
    topology = plan(assembly)
    assert [(output.stack, output.value) for output in topology.outputs] == [
        ("App", "/outer/inner"),
    ]
    assert {c.identity.key for c in topology.coverage} == {"App/Child", "App/Outer", "App-Child/Group"}


def test_a_nested_stack_is_found_by_its_asset_when_the_metadata_does_not_name_it(tmp_path: Path) -> None:
    url = {"Fn::Join": ["", ["https://s3.", {"Ref": "AWS::Region"}, ".amazonaws.com/bucket/abc.json"]]}
    elsewhere = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "https://example.com/x.json"}}
    child = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}
    asset = {"source": {"path": "child.json"}, "destinations": {"x": {"bucketName": "bucket", "objectKey": "abc.json"}}}
    artifacts = {
        "App": stack_artifact("app.json"),
        "App.assets": {"type": "cdk:asset-manifest", "properties": {"file": "app.assets.json"}},
    }
    files = {
        "app.json": {"Resources": {"Child": child, "Elsewhere": elsewhere}},
        "child.json": {"Resources": {"Group": GROUP}},
        "app.assets.json": {"files": {"abc": asset}},
    }
    statuses = {c.identity.key: c.status for c in plan(read_assembly(write(tmp_path, artifacts, **files))).coverage}
    assert statuses == {"App/Child": "modelled", "App/Elsewhere": "not supported", "App-Child/Group": "modelled"}


def test_a_nested_stack_whose_condition_is_false_is_left_out(tmp_path: Path) -> None:
    parent = {
        "Conditions": {"Never": {"Fn::Equals": ["a", "b"]}},
        "Resources": {
            "Child": {
                "Type": "AWS::CloudFormation::Stack",
                "Condition": "Never",
                "Metadata": {"aws:asset:path": "child.json"},
            },
        },
    }
    files = {"app__json": parent, "child__json": {"Resources": {"Group": GROUP}}}
    assert plan(read_assembly(write(tmp_path, {"App": stack_artifact("app.json")}, **files))).coverage == ()


def test_a_folder_without_a_manifest_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no manifest\.json; run cdk synth first"):
        read_assembly(tmp_path)


def test_a_template_that_is_not_json_or_not_there_is_an_error(tmp_path: Path) -> None:
    directory = write(tmp_path, {"A": stack_artifact("a.json")})
    with pytest.raises(UserError, match=r"a\.json does not exist"):
        read_assembly(directory)
    (directory / "a.json").write_text("{")
    with pytest.raises(UserError, match=r"a\.json must be JSON or YAML"):
        read_assembly(directory)


@pytest.mark.parametrize("artifacts", [{"A": {"type": "aws:cloudformation:stack"}}, {"A": {}}, {"A": None}])
def test_a_manifest_of_another_shape_is_an_error(tmp_path: Path, artifacts: Json) -> None:
    with pytest.raises(UserError, match="is not a template or a cloud assembly that this version reads"):
        read_assembly(write(tmp_path, artifacts))


def test_a_template_that_needs_a_macro_is_read_and_the_plan_says_what_is_missing(tmp_path: Path) -> None:
    template = {"Transform": ["AWS::LanguageExtensions", "OurMacro"], "Resources": {"Group": GROUP}}
    topology = plan(read_assembly(write(tmp_path, {"A": stack_artifact("a.json")}, a__json=template)))
    assert [one.identity.key for one in topology.coverage] == ["A/Group"]
    assert [(one.severity, one.identity.key) for one in topology.problems] == [("warning", "A/Transform")]
    assert topology.problems[0].message.startswith("OurMacro runs on AWS only")


def test_stacks_of_one_name_in_several_regions_are_told_apart(tmp_path: Path) -> None:
    template = {
        "Resources": {
            "Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": {"Ref": "AWS::StackName"}}}
        },
        "Outputs": {
            "Arn": {"Value": {"Fn::GetAtt": ["Group", "Arn"]}, "Export": {"Name": "shared-group"}},
        },
    }
    user = {
        "Resources": {
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Fn::ImportValue": "shared-group"}}}
        },
        "Outputs": {"Seen": {"Value": {"Fn::ImportValue": "shared-group"}}},
    }
    artifacts = {
        name: stack_artifact(file, environment=f"aws://111111111111/{region}", stackName=stack)
        for name, file, region, stack in [
            ("ShopUs", "a.json", "us-east-1", "Shop"),
            ("ShopEu", "a.json", "eu-west-1", "Shop"),
            ("UserEu", "b.json", "eu-west-1", "User"),
        ]
    }
    artifacts["UserEu"]["dependencies"] = ["ShopEu"]
    assembly = read_assembly(write(tmp_path, artifacts, a__json=template, b__json=user))
    assert list(assembly.stacks) == ["Shop@us-east-1", "Shop@eu-west-1", "User"]
    topology = plan(assembly)
    arns = {one.identity.key: one.identity.arn for one in topology.coverage if one.identity.logical_id == "Group"}
    assert arns["Shop@eu-west-1/Group"] == "arn:aws:logs:eu-west-1:111111111111:log-group:Shop:*"
    assert arns["Shop@us-east-1/Group"] == "arn:aws:logs:us-east-1:111111111111:log-group:Shop:*"
    assert [one.value for one in topology.outputs if one.name == "Seen"] == [arns["Shop@eu-west-1/Group"]]
    assert plan(assembly, stacks=["Shop"]).stacks == ("Shop@us-east-1", "Shop@eu-west-1")
    assert plan(assembly, stacks=["User"]).stacks == ("Shop@eu-west-1", "User")


def test_two_stacks_of_one_name_are_an_error(tmp_path: Path) -> None:
    artifacts = {"A": stack_artifact("a.json", stackName="Same"), "B": stack_artifact("a.json", stackName="Same")}
    with pytest.raises(UserError, match="two stacks of this app are named Same"):
        read_assembly(write(tmp_path, artifacts, a__json={"Resources": {}}))


def test_stacks_that_depend_on_each_other_are_an_error(tmp_path: Path) -> None:
    artifacts = {"A": stack_artifact("a.json", dependencies=["B"]), "B": stack_artifact("a.json", dependencies=["A"])}
    with pytest.raises(UserError, match="in a circle: A -> B -> A"):
        read_assembly(write(tmp_path, artifacts, a__json={"Resources": {}}))


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        ({"Properties": [1]}, "stack A, X, Properties: must be an object, got list"),
        ({"DependsOn": [1]}, "stack A, X, DependsOn: must be a string, got int"),
        ({"Type": 1}, "stack A, X, Type: must be a string, got int"),
    ],
)
def test_a_resource_of_another_shape_is_named_and_the_rest_is_planned(
    tmp_path: Path, resource: Json, message: str
) -> None:
    template: Json = {"Resources": {"X": {"Type": "AWS::SNS::Topic", **resource}}}
    template["Resources"]["Group"] = GROUP
    topology = plan(read_assembly(write(tmp_path, {"A": stack_artifact("a.json")}, a__json=template)))
    assert {one.identity.logical_id: one.status for one in topology.coverage} == {
        "X": "not readable",
        "Group": "modelled",
    }
    assert [one.note for one in topology.coverage if one.identity.logical_id == "X"] == [message]
