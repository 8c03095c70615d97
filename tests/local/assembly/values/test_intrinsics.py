"""Each intrinsic function by its results and its errors; what they promise together by Hypothesis."""

import ipaddress
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachetwin_local.assembly.graph import Graph
from cachetwin_local.assembly.resolved import GivenValues
from cachetwin_local.assembly.template import Assembly, Json, Resource, Stack
from cachetwin_local.assembly.values.intrinsics import FUNCTIONS
from cachetwin_local.assembly.values.text import SecretRef
from cachetwin_local.assembly.where import Where
from cachetwin_local.errors import UserError
from cachetwin_local.resources.translators import describer
from cachetwin_local.topology.address_plan import AddressPlan

HERE = Where("App", "Thing", ("Property",))
ACCOUNT = "000000000000"


def stack(name: str = "App", resources: dict[str, Json] | None = None, **sections: Json) -> Stack:
    made = {
        key: Resource(
            name,
            key,
            value["Type"],
            value.get("Properties", {}),
            key,
            value.get("Condition"),
            tuple(value.get("DependsOn", ())),
        )
        for key, value in (resources or {}).items()
    }
    return Stack(name, name, "us-east-1", ACCOUNT, (), made, **sections)


def graph(*stacks: Stack, parameters: dict[str, str] | None = None) -> Graph:
    return Graph(
        Assembly({one.name: one for one in stacks}, {}, {}),
        describer(AddressPlan("test", "per-endpoint")),
        GivenValues(parameters or {}),
    )


APP = stack(
    resources={
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "Gone": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.1.0.0/16"}, "Condition": "Never"},
        "Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/app"}},
        "Cache": {
            "Type": "AWS::Neptune::DBCluster",
            "Properties": {},
        },
        "Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "app/db"}},
        "Setting": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Type": "String", "Name": "/app/mode", "Value": "fast"},
        },
    },
    parameters={
        "Size": {"Type": "Number", "Default": 3},
        "Zones": {"Type": "CommaDelimitedList", "Default": "a, b,c"},
        "Needed": {"Type": "String"},
        "Stage": {"Type": "String", "Default": "live", "AllowedValues": ["test", "prod"]},
        "BootstrapVersion": {
            "Type": "AWS::SSM::Parameter::Value<String>",
            "Default": "/cdk-bootstrap/hnb659fds/version",
        },
        "Mode": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/app/mode"},
        "Elsewhere": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/not/here"},
    },
    mappings={"Sizes": {"us-east-1": {"small": "t4g", "list": ["x", "y"]}}},
    conditions={
        "Always": {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]},
        "Never": {"Fn::Not": [{"Condition": "Always"}]},
        "Left": {"Condition": "Right"},
        "Right": {"Condition": "Left"},
    },
)
OTHER = stack(
    "Other",
    resources={"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "172.16.0.0/16"}}},
    outputs={
        "Range": {
            "Value": {"Fn::GetAtt": ["Vpc", "CidrBlock"]},
            "Export": {"Name": {"Fn::Sub": "${AWS::StackName}:range"}},
        },
        "Plain": {"Value": "plain"},
    },
)


def resolve(value: Json) -> Json:
    return graph(APP, OTHER).value(value, HERE)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "AWS::Region"}, "us-east-1"),
        ({"Ref": "AWS::AccountId"}, ACCOUNT),
        ({"Ref": "AWS::Partition"}, "aws"),
        ({"Ref": "AWS::URLSuffix"}, "amazonaws.com"),
        ({"Ref": "AWS::StackName"}, "App"),
        ({"Ref": "AWS::NotificationARNs"}, []),
        ({"Ref": "Size"}, "3"),
        ({"Ref": "Zones"}, ["a", "b", "c"]),
        ({"Ref": "BootstrapVersion"}, "33"),
        ({"Ref": "Mode"}, "fast"),
        ({"Ref": "Group"}, "/app"),
        ({"Fn::GetAtt": ["Vpc", "CidrBlock"]}, "10.0.0.0/16"),
        ({"Fn::GetAtt": "Group.Arn"}, f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/app:*"),
        ({"Fn::GetAtt": ["Cache", "Endpoint.Address"]}, "endpoint-address.cache.invalid"),
        ({"Fn::Sub": "${AWS::Region}/${Vpc.CidrBlock}/${!literal}"}, "us-east-1/10.0.0.0/16/${literal}"),
        ({"Fn::Sub": ["${name}-${Size}", {"name": {"Ref": "AWS::StackName"}}]}, "App-3"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Size"}, 4, True]]}, "a-3-4-true"),
        ({"Fn::Join": [",", {"Ref": "Zones"}]}, "a,b,c"),
        ({"Fn::Split": [",", "a,b,"]}, ["a", "b", ""]),
        ({"Fn::Select": ["1", {"Fn::Split": [":", "a:b:c"]}]}, "b"),
        ({"Fn::If": ["Always", "yes", {"Ref": "NotLookedAt"}]}, "yes"),
        ({"a": {"Fn::If": ["Never", "yes", {"Ref": "AWS::NoValue"}]}, "b": 1}, {"b": 1}),
        (["a", {"Ref": "AWS::NoValue"}, "b"], ["a", "b"]),
        ({"Fn::Equals": [1, "1"]}, True),
        ({"Fn::And": [{"Condition": "Always"}, {"Fn::Equals": ["a", "b"]}]}, False),
        ({"Fn::Or": [{"Condition": "Never"}, {"Condition": "Always"}]}, True),
        ({"Fn::Not": [{"Condition": "Never"}]}, True),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "small"]}, "t4g"),
        ({"Fn::FindInMap": ["Sizes", "eu-west-1", "small", {"DefaultValue": "m7g"}]}, "m7g"),
        ({"Fn::ImportValue": "Other:range"}, "172.16.0.0/16"),
        ({"Fn::GetStackOutput": {"StackName": "Other", "OutputName": "Plain"}}, "plain"),
        (
            {
                "Fn::GetStackOutput": {
                    "StackName": "arn:aws:cloudformation:us-east-1:0:stack/Other/*",
                    "OutputName": "Plain",
                }
            },
            "plain",
        ),
        ({"Fn::GetAZs": ""}, [f"us-east-1{letter}" for letter in "abcdef"]),
        ({"Fn::GetAZs": "eu-west-1"}, ["eu-west-1a", "eu-west-1b", "eu-west-1c"]),
        ({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, ["10.0.0.0/24", "10.0.1.0/24"]),
        ({"Fn::Base64": "hello"}, "aGVsbG8="),
        ({"Fn::Length": {"Ref": "Zones"}}, 3),
        ({"Fn::ToJsonString": {"a": {"Ref": "Size"}}}, '{"a":"3"}'),
        ({"Fn::Contains": [["3", "4"], {"Ref": "Size"}]}, True),
        ({"Condition": {"StringEquals": {"a": "b"}}}, {"Condition": {"StringEquals": {"a": "b"}}}),
        ("{{resolve:ssm:/app/mode}}!", "fast!"),
    ],
)
def test_a_function_gives(value: Json, expected: Json) -> None:
    assert resolve(value) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"Ref": "Vpv"}, "must name a resource or a parameter of this stack (such as Vpc"),
        ({"Ref": ["Vpc"]}, "Ref must name"),
        ({"Ref": "AWS::Regio"}, "pseudo parameter must be one of AWS::AccountId"),
        ({"Ref": "Needed"}, "parameter Needed must have a value"),
        ({"Ref": "Stage"}, "parameter Stage must be one of test, prod, got live"),
        ({"Ref": "Elsewhere"}, "SSM parameter must be one that a stack of this app defines, got /not/here"),
        ({"Ref": "Gone"}, "Gone does not exist, because its condition Never is false"),
        ({"Fn::GetAtt": ["Vpc", "Cidr"]}, "attribute of Vpc (AWS::EC2::VPC) must be one of CidrBlock"),
        ({"Fn::GetAtt": "Vpc"}, "Fn::GetAtt must be [logical id, attribute]"),
        ({"Fn::GetAtt": ["Nobody", "Arn"]}, "got Nobody"),
        ({"Fn::Sub": ["a"]}, "Fn::Sub must be a string or"),
        ({"Fn::Sub": "${Nobody}"}, "got Nobody"),
        ({"Fn::Sub": "${Zones}"}, "must be a string, got"),
        ({"Fn::Join": ["a"]}, "Fn::Join must be [delimiter, [values]]"),
        ({"Fn::Join": [1, []]}, "delimiter must be a string"),
        ({"Fn::Join": ["", [{"a": 1}]]}, "must be a string, got"),
        ({"Fn::Split": ["", "a"]}, "at least one character"),
        ({"Fn::Select": [3, ["a", "b"]]}, "index must be between 0 and 1, got 3"),
        ({"Fn::Select": ["x", ["a"]]}, "must be a whole number"),
        ({"Fn::Select": [0, []]}, "empty list"),
        ({"Fn::If": ["Sometimes", "a", "b"]}, "condition must be one of Always, Left, Never, Right, got Sometimes"),
        ({"Fn::If": ["Always", "a"]}, "Fn::If must be [condition, value, value]"),
        ({"Fn::If": ["Left", "a", "b"]}, "is defined by itself"),
        ({"Fn::And": [{"Condition": "Always"}]}, "2 to 10 conditions"),
        ({"Fn::Or": "x"}, "2 to 10 conditions"),
        ({"Fn::Not": []}, "Fn::Not must be [condition]"),
        ({"Fn::Not": [{"Ref": "Size"}]}, "must be a condition"),
        ({"Fn::Equals": [1]}, "Fn::Equals must be [value, value]"),
        (
            {"Fn::FindInMap": ["Sizes", "us-east-1", "large"]},
            "keys in Sizes must be among list, small, got us-east-1, large",
        ),
        ({"Fn::FindInMap": ["Colours", "a", "b"]}, "map must be one of Sizes, got Colours"),
        ({"Fn::FindInMap": ["Sizes"]}, "Fn::FindInMap must be"),
        ({"Fn::ImportValue": "Other:rang"}, "one of Other:range, got Other:rang"),
        ({"Fn::GetStackOutput": {"StackName": "Nowhere", "OutputName": "x"}}, "one of App, Other, got Nowhere"),
        ({"Fn::GetStackOutput": {"StackName": "Other", "OutputName": "x"}}, "must be one of Plain, Range, got x"),
        ({"Fn::GetStackOutput": "x"}, "must have StackName and OutputName"),
        ({"Fn::Cidr": ["10.0.0.0/16", 257, 8]}, "between 1 and 256, got 257"),
        ({"Fn::Cidr": ["10.0.0.0/24", 3, 7]}, "at most 2 blocks"),
        ({"Fn::Cidr": ["somewhere", 1, 8]}, "must be an IPv4 or IPv6 range, got somewhere"),
        ({"Fn::Cidr": ["fd00::/56", 1]}, "must be given the bits for an IPv6 block"),
        ({"Fn::Nothing": {"Name": "AWS::Include"}}, "intrinsic function must be one of Condition, Fn::And"),
        ({"Fn::Length": "x"}, "must be a list"),
        ("{{resolve:ssm-secure:/x}}", "must name secretsmanager or ssm, got ssm-secure"),
        ("{{resolve:ssm:/not/here}}", "got /not/here"),
        ("{{resolve:secretsmanager:nobody}}", "must name a secret that a stack of this app defines, got nobody"),
        ("{{resolve:secretsmanager:app/db:SecretBinary}}", "must have the form"),
        ("{{resolve:secretsmanager:app/db:SecretString:a::v1}}", "version id is not supported here"),
    ],
)
def test_a_wrong_use_says_where_and_what_is_allowed(value: Json, message: str) -> None:
    with pytest.raises(UserError) as caught:
        resolve(value)
    assert message in str(caught.value)
    assert str(caught.value).startswith("stack ")


def test_an_error_names_stack_resource_and_property() -> None:
    with pytest.raises(UserError, match=r"^stack App, Thing, Property\.list\[1\]\.name: "):
        resolve({"list": ["a", {"name": {"Ref": "Nobody"}}]})


def test_every_function_is_in_one_of_the_tables_above() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in FUNCTIONS if f'"{name}"' not in text] == []


def test_references_to_secrets_stay_references() -> None:
    arn = graph(APP).described("App/Secret").arn
    named = "{{resolve:secretsmanager:app/db:SecretString:password:AWSPREVIOUS}}"
    assert resolve(named) == (SecretRef(arn, "password", "AWSPREVIOUS"),)
    whole = {"Fn::Join": ["", ["x{{resolve:secretsmanager:", {"Ref": "Secret"}, ":SecretString:::}}y"]]}
    assert resolve(whole) == ("x", SecretRef(arn), "y")
    assert resolve({"Fn::Sub": "{{resolve:secretsmanager:${Secret}}}"}) == (SecretRef(arn),)


def test_text_that_only_begins_like_a_reference_stays_text() -> None:
    assert resolve("see {{resolve:secretsmanager: in the manual") == "see {{resolve:secretsmanager: in the manual"


def test_a_parameter_given_for_a_stack_wins_over_its_default() -> None:
    one = graph(APP, parameters={"App:Size": "7", "Needed": "here"})
    assert one.value({"Ref": "Size"}, HERE) == "7"
    assert one.value({"Ref": "Needed"}, HERE) == "here"


def test_a_hidden_parameter_is_not_in_the_error() -> None:
    app = stack(
        parameters={"Password": {"Type": "String", "NoEcho": True, "AllowedPattern": "[0-9]+", "Default": "hunter2"}}
    )
    with pytest.raises(UserError) as caught:
        graph(app).value({"Ref": "Password"}, HERE)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("constraint", "said"),
    [
        ({"AllowedPattern": {"Ref": "Nope"}}, "AllowedPattern of parameter Name must be a string, got dict"),
        ({"AllowedValues": -1}, "AllowedValues of parameter Name must be a list, got int"),
    ],
)
def test_a_constraint_of_another_type_is_named(constraint: dict[str, object], said: str) -> None:
    app = stack(parameters={"Name": {"Type": "String", "Default": "x", **constraint}})
    with pytest.raises(UserError, match=said):
        graph(app).value({"Ref": "Name"}, HERE)


def test_a_pattern_that_only_java_understands_refuses_nothing() -> None:
    app = stack(parameters={"Name": {"Type": "String", "Default": "x", "AllowedPattern": "\\p{Alpha}+"}})
    assert graph(app).value({"Ref": "Name"}, HERE) == "x"


def test_resources_that_refer_to_each_other_are_named_as_the_circle_they_form() -> None:
    app = stack(
        resources={
            "A": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": {"Ref": "B"}}},
            "B": {"Type": "AWS::Logs::LogGroup", "DependsOn": ["A"]},
        }
    )
    with pytest.raises(UserError, match="in a circle: App/A -> App/B -> App/A"):
        graph(app).resolved("App/A")


def test_a_dependency_on_what_is_not_there_is_an_error() -> None:
    app = stack(resources={"A": {"Type": "AWS::Logs::LogGroup", "DependsOn": ["Nobody"]}})
    with pytest.raises(UserError, match=r"A, DependsOn: must name resources of this stack, got Nobody"):
        graph(app).resolved("App/A")


def test_references_are_kept_with_the_property_that_made_them_across_imports() -> None:
    app = stack(
        resources={
            "A": {
                "Type": "AWS::Logs::LogGroup",
                "Properties": {
                    "Tags": [{"Key": "range", "Value": {"Fn::Join": ["", [{"Fn::ImportValue": "Other:range"}]]}}]
                },
            }
        }
    )
    (reference,) = graph(app, OTHER).resolved("App/A").references
    assert (reference.path[:2], reference.target, reference.attribute) == (("Tags", 0), "Other/Vpc", "CidrBlock")


texts = st.text(st.characters(blacklist_characters="${}", codec="utf-8"), max_size=20)


@given(st.lists(texts, min_size=1, max_size=8), st.sampled_from([",", "::", "|"]))
def test_split_undoes_join(parts: list[str], delimiter: str) -> None:
    clean = [part.replace(delimiter[0], "") for part in parts]
    assert resolve({"Fn::Split": [delimiter, {"Fn::Join": [delimiter, clean]}]}) == clean


@given(st.dictionaries(st.from_regex(r"[A-Za-z]{1,8}", fullmatch=True), texts, max_size=5), texts)
def test_sub_replaces_each_name_by_its_value_once(names: dict[str, str], between: str) -> None:
    template = between.join("${" + name + "}" for name in names)
    assert resolve({"Fn::Sub": [template, names]}) == between.join(names.values())


@given(texts)
def test_sub_leaves_text_without_names_alone(text: str) -> None:
    assert resolve({"Fn::Sub": text}) == text


@given(st.integers(8, 24), st.integers(1, 256), st.integers(2, 16), st.integers(0, 2**32 - 1))
def test_cidr_gives_what_ipaddress_gives(prefix: int, count: int, bits: int, address: int) -> None:
    block = ipaddress.ip_network((address, prefix), strict=False)
    new_prefix = 32 - bits
    fits = new_prefix >= prefix and count <= 2 ** (new_prefix - prefix)
    if not fits:
        with pytest.raises(UserError, match="at most"):
            resolve({"Fn::Cidr": [str(block), count, bits]})
        return
    subnets = block.subnets(new_prefix=new_prefix)
    assert resolve({"Fn::Cidr": [str(block), count, bits]}) == [str(next(subnets)) for _ in range(count)]


@given(st.recursive(st.none() | st.booleans() | st.integers() | texts, lambda inner: st.lists(inner, max_size=4)))
def test_values_without_functions_resolve_to_themselves(value: Json) -> None:
    assert resolve(value) == json.loads(json.dumps(value))
