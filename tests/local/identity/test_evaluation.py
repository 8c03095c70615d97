"""Decisions of policies: Allow and Deny, wildcards, the opposites, boundaries, and what is not known."""

from typing import Any

import pytest

from cachetwin_local.errors import UserError
from cachetwin_local.identity.evaluation import decide, not_known
from cachetwin_local.identity.policies import Policy, read_policy

CACHE = "arn:aws:elasticache:us-east-1:000000000000:replicationgroup:sessions"
CONNECT = "elasticache:Connect"


def policy(*statements: dict[str, Any]) -> Policy:
    return read_policy("app", {"Version": "2012-10-17", "Statement": list(statements)})


def allow(**more: Any) -> dict[str, Any]:  # noqa: ANN401  (a policy's JSON)
    return {"Effect": "Allow", "Action": CONNECT, "Resource": CACHE, **more}


def deny(**more: Any) -> dict[str, Any]:  # noqa: ANN401  (a policy's JSON)
    return {**allow(**more), "Effect": "Deny"}


def is_allowed(made: Policy, **context: str) -> bool:
    return decide([made], CONNECT, CACHE, context).allowed


def test_without_a_policy_nothing_is_allowed() -> None:
    decision = decide([], CONNECT, CACHE, {})
    assert (decision.allowed, decision.reason) == (False, f"no policy allows {CONNECT} on {CACHE}")


def test_a_deny_wins_over_an_allow_in_another_policy() -> None:
    decision = decide([policy(allow()), policy(deny(Sid="NotThis"))], CONNECT, CACHE, {})
    assert (decision.allowed, decision.reason) == (False, "denied by app (NotThis)")


@pytest.mark.parametrize(
    "action", ["elasticache:Connect", "ElastiCache:connect", "elasticache:*", "*", "elasticache:Con??ct"]
)
def test_actions_match_without_case_and_with_wildcards(action: str) -> None:
    assert is_allowed(policy(allow(Action=["sns:Publish", action])))


@pytest.mark.parametrize("action", ["elasticache:Describe*", "elasticache", "s3:*", "elasticache:Connect?"])
def test_other_actions_do_not_match(action: str) -> None:
    assert not is_allowed(policy(allow(Action=action)))


@pytest.mark.parametrize(
    ("resource", "matches"),
    [
        ("*", True),
        ("arn:aws:elasticache:*:*:replicationgroup:sessions", True),
        ("arn:aws:elasticache:us-east-1:000000000000:*", True),
        ("arn:aws:elasticache:us-east-1:000000000000:replicationgroup:sess*", True),
        ("arn:aws:elasticache:us-east-1:000000000000:replicationgroup:Sessions", False),
        ("arn:aws:elasticache:us-west-2:000000000000:replicationgroup:sessions", False),
        ("arn:aws:*", True),
        ("arn:aws:elasticache", True),
        ("arn:aws:elasticache:us-west-2", False),
        ("arn:aws:s3:*", False),
    ],
)
def test_resources_match_part_by_part_of_the_arn(resource: str, matches: bool) -> None:  # noqa: FBT001
    assert is_allowed(policy(allow(Resource=resource))) == matches


def test_the_opposites_of_action_and_resource() -> None:
    everything_but = {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}
    assert is_allowed(policy(everything_but))
    assert not is_allowed(policy({**everything_but, "NotAction": "elasticache:Connect"}))
    elsewhere = {"Effect": "Deny", "Action": "*", "NotResource": CACHE}
    assert is_allowed(policy(allow(), elsewhere))
    assert not is_allowed(policy(allow(), {**elsewhere, "NotResource": "arn:aws:s3:::bucket"}))


def test_a_boundary_has_to_allow_as_well() -> None:
    only_reading = policy(allow(Action="elasticache:Describe*"))
    assert decide([policy(allow())], CONNECT, CACHE, {}, policy(allow())).allowed
    refused = decide([policy(allow())], CONNECT, CACHE, {}, only_reading)
    assert (refused.allowed, refused.reason) == (
        False,
        f"permissions boundary: no policy allows {CONNECT} on {CACHE}",
    )


def condition(operator: str, key: str, value: object) -> dict[str, Any]:
    return {"Condition": {operator: {key: value}}}


TAG = "aws:ResourceTag/team"


@pytest.mark.parametrize(
    ("operator", "key", "wanted", "value", "holds"),
    [
        ("StringEquals", TAG, ["ops", "shop"], "shop", True),
        ("StringEquals", TAG, "shop", "Shop", False),
        ("StringEqualsIgnoreCase", TAG, "shop", "Shop", True),
        ("StringNotEquals", TAG, ["ops", "shop"], "shop", False),
        ("StringNotEquals", TAG, ["ops", "shop"], "hr", True),
        ("StringLike", TAG, "sh*p", "shop", True),
        ("StringNotLike", TAG, "sh*p", "shop", False),
        ("StringLike", TAG, "${*}", "anything", False),
        ("StringLike", TAG, "${*}", "*", True),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/app-*", "arn:aws:iam::1:role/app-web", True),
        ("ArnNotEquals", "aws:PrincipalArn", "arn:aws:iam::1:role/app-*", "arn:aws:iam::1:role/app-web", False),
        ("NumericLessThan", TAG, "10", "9", True),
        ("NumericGreaterThanEquals", TAG, "10", "9.5", False),
        ("NumericEquals", TAG, "10", "ten", False),
        ("DateLessThan", "aws:CurrentTime", "2026-12-01T00:00:00Z", "2026-11-28T17:00:00Z", True),
        ("DateGreaterThan", "aws:CurrentTime", "2026-12-01T00:00:00Z", "2026-11-28T17:00:00Z", False),
        ("NumericLessThan", "aws:EpochTime", "1800000000", "1790000000", True),
        ("Bool", "aws:SecureTransport", True, "true", True),
        ("Bool", "aws:SecureTransport", "false", "true", False),
        ("IpAddress", "aws:SourceIp", "10.0.0.0/8", "10.1.2.3", True),
        ("NotIpAddress", "aws:SourceIp", ["10.0.0.0/8"], "10.1.2.3", False),
        ("BinaryEquals", TAG, "YQ==", "YQ==", True),
        ("Null", TAG, "true", "shop", False),
        ("Null", TAG, "false", "shop", True),
    ],
)  # fmt: skip
def test_an_operator_compares(operator: str, key: str, wanted: object, value: str, holds: bool) -> None:  # noqa: FBT001
    made = policy(allow(**condition(operator, key, wanted)))
    assert decide([made], CONNECT, CACHE, {key.upper(): value}).allowed == holds


@pytest.mark.parametrize(
    ("operator", "holds"),
    [
        ("StringEquals", False),
        ("StringEqualsIfExists", True),
        ("StringNotEquals", True),
        ("ForAnyValue:StringEquals", False),
        ("ForAllValues:StringEquals", True),
        ("Null", False),
    ],
)
def test_a_key_that_the_request_does_not_have(operator: str, holds: bool) -> None:  # noqa: FBT001
    assert is_allowed(policy(allow(**condition(operator, TAG, "false")))) == holds


def test_sets_of_values() -> None:
    any_of = policy(allow(**condition("ForAnyValue:StringEquals", "aws:TagKeys", ["a", "b"])))
    all_of = policy(allow(**condition("ForAllValues:StringEquals", "aws:TagKeys", ["a", "b"])))
    assert decide([any_of], CONNECT, CACHE, {"aws:TagKeys": ["a", "z"]}).allowed
    assert not decide([all_of], CONNECT, CACHE, {"aws:TagKeys": ["a", "z"]}).allowed
    assert decide([all_of], CONNECT, CACHE, {"aws:TagKeys": ["a", "b"]}).allowed


def test_what_is_not_known_stops_no_app_and_is_named() -> None:
    from_a_network = condition("StringEquals", "aws:SourceVpce", "vpce-1")
    allowed = decide([policy(allow(Sid="Inside", **from_a_network))], CONNECT, CACHE, {})
    assert (allowed.allowed, allowed.assumed) == (True, ("app (Inside): StringEquals aws:SourceVpce",))
    assert decide([policy(allow(), deny(**from_a_network))], CONNECT, CACHE, {}).allowed
    strange = policy(
        allow(**condition("StringSounds", TAG, "x")), allow(**condition("Bool", "aws:SecureTransport", True))
    )
    assert not_known([strange], ["aws:SecureTransport"]) == ["app: StringSounds aws:ResourceTag/team"]


def test_variables_come_from_the_request() -> None:
    own = policy(
        allow(Resource="arn:aws:elasticache:us-east-1:000000000000:replicationgroup:${aws:PrincipalTag/cache}")
    )
    assert is_allowed(own, **{"aws:PrincipalTag/cache": "sessions"})
    assert not is_allowed(own, **{"aws:PrincipalTag/cache": "other"})
    assert not is_allowed(own)
    with_default = policy(
        allow(Resource="arn:aws:elasticache:us-east-1:000000000000:replicationgroup:${aws:PrincipalTag/x, 'sessions'}")
    )
    assert is_allowed(with_default)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ({"Effect": "Maybe"}, "policy app, statement 0: Effect must be Allow or Deny, got Maybe"),
        ({"Effect": "Allow", "Resource": "*"}, "must have one of Action and NotAction, got none"),
        (allow(NotAction="x"), "must have one of Action and NotAction, got Action and NotAction"),
        (allow(Resource=[{"Ref": "x"}]), "Resource: must be a string or a list of strings"),
        (allow(Condition={"StringEquals": "x"}), "Condition StringEquals must be an object, got str"),
    ],
)
def test_a_document_that_is_no_policy_is_named(statement: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match="policy app") as raised:
        policy(statement)
    assert message in str(raised.value)


def test_one_statement_needs_no_list() -> None:
    made = read_policy("app", {"Statement": allow()})
    assert is_allowed(made)
