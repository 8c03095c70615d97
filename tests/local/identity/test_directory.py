"""Credentials, and who has which."""

import re
from urllib.parse import quote

from cachetwin_local.identity.credentials import credentials_of
from cachetwin_local.identity.deliveries import DeliveryPermissions, Sender
from cachetwin_local.identity.directory import Directory, Principal
from cachetwin_local.identity.policies import read_policy

ROLE = "arn:aws:iam::000000000000:role/web"


def test_credentials_have_the_form_of_a_role_session() -> None:
    made = credentials_of("seed")
    assert re.fullmatch(r"ASIA[A-Z2-7]{16}", made.access_key_id)
    assert re.fullmatch(r"[A-Za-z0-9+/]{40}", made.secret_access_key)
    assert made == credentials_of("seed")
    assert made.environment() == {
        "AWS_ACCESS_KEY_ID": made.access_key_id,
        "AWS_SECRET_ACCESS_KEY": made.secret_access_key,
        "AWS_SESSION_TOKEN": made.session_token,
    }


def test_each_principal_has_credentials_of_its_own_and_keeps_them() -> None:
    directory = Directory(lambda name: f"seed of {name}")
    directory.set_principals([Principal("App/Web", ROLE), Principal("App/Worker", ROLE)])
    web, worker = directory.credentials("App/Web"), directory.credentials("App/Worker")
    assert web is not None
    assert worker is not None
    assert web != worker
    directory.set_principals([Principal("App/Web", ROLE)])
    assert directory.credentials("App/Web") == web
    assert directory.by_access_key(worker.access_key_id) is None
    found = directory.by_access_key(web.access_key_id)
    assert found is not None
    assert found[0].name == "App/Web"
    assert directory.environment("App/Worker") == {}
    plain = {web.secret_access_key, web.session_token}
    assert directory.values_to_mask() == plain | {quote(value, safe="") for value in plain}


def test_a_principal_is_asked_with_its_own_arn_account_and_tags() -> None:
    statement = {
        "Effect": "Allow",
        "Action": "elasticache:Connect",
        "Resource": "*",
        "Condition": {
            "ArnEquals": {"aws:PrincipalArn": ROLE},
            "StringEquals": {"aws:PrincipalAccount": "000000000000", "aws:PrincipalTag/team": "shop"},
        },
    }
    policies = (read_policy("app", {"Statement": statement}),)
    assert Principal("App/Web", ROLE, policies, tags=(("team", "shop"),)).may("elasticache:Connect", "*", {}).allowed
    assert not Principal("App/Web", ROLE, policies).may("elasticache:Connect", "*", {}).allowed


def test_a_rule_reaches_a_bus_with_a_role_only() -> None:
    bus = "arn:aws:events:eu-west-1:000000000000:event-bus/theirs"
    rule = "arn:aws:events:eu-west-1:000000000000:rule/mine"
    put = read_policy("app", {"Statement": {"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus}})
    permissions = DeliveryPermissions(roles={ROLE: Principal("App/Web", ROLE, (put,))})
    service = "events.amazonaws.com"
    assert permissions.refusal_of(Sender(service, rule, ROLE), bus) is None
    assert (
        permissions.refusal_of(Sender(service, rule), bus)
        == f"{rule} has no role that may do events:PutEvents with {bus}"
    )
    assert permissions.refusal_of(Sender(service, rule), "arn:aws:logs:eu-west-1:000000000000:log-group:/a") is None
