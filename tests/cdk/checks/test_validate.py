"""What is known at synth, told without asking Node, and the same as Node tells it."""

import aws_cdk as cdk
import pytest

from cachetwin_cdk.checks._validate import known

PLAIN = (
    "",
    "shop",
    "${AWS::Region}",
    "${Token}",
    "${Token[a b]}",
    "#{Token[TOKEN.1]}",
    0,
    1,
    -1,
    0.5,
    -1e287,
    -1.9e300,
    2**70,
)


@pytest.mark.parametrize("value", [*PLAIN, ["a"], ["a", "b"], [], ["${Token[AWS.Region.4]}"]])
def test_a_plain_value_is_known_as_the_cdk_says(value: object) -> None:
    assert known(value) is (not cdk.Token.is_unresolved(value))


def test_a_token_is_unknown_as_the_cdk_says() -> None:
    stack = cdk.Stack(cdk.App(analytics_reporting=False), "Shop")
    number = cdk.CfnParameter(stack, "Number", type="Number")
    names = cdk.CfnParameter(stack, "Names", type="CommaDelimitedList")
    attribute = cdk.CfnResource(stack, "Any", type="Any::Any::Any").get_att("Port")
    tokens = (
        number.value_as_number,
        int(number.value_as_number),
        cdk.Aws.REGION,
        f"arn:{cdk.Aws.PARTITION}:x",
        attribute,
        attribute.to_string(),
        cdk.Token.as_number(attribute),
        names.value_as_list,
        cdk.Fn.select(0, names.value_as_list),
    )
    for token in tokens:
        assert cdk.Token.is_unresolved(token)
        assert not known(token)
        assert not known("plain", token)
    assert not known(tuple(names.value_as_list))


def test_nothing_and_switches_are_known() -> None:
    assert known(None, True, False)
