"""Application Load Balancers: listeners, rules, target groups."""

import pytest
from tests.local.resources.templates import messages, one, plan_of, status

from cachetwin_local.assembly.template import Json
from cachetwin_local.plan.choice import Choice
from cachetwin_local.topology.values import FixedResponse, Forward, Redirect, Stickiness


def front(**listener: Json) -> dict[str, Json]:
    return {
        "Balancer": one("ElasticLoadBalancingV2::LoadBalancer", Type="application"),
        "Listener": one(
            "ElasticLoadBalancingV2::Listener",
            LoadBalancerArn={"Ref": "Balancer"},
            Port=80,
            Protocol="HTTP",
            **listener,
        ),
        "Targets": one("ElasticLoadBalancingV2::TargetGroup", Port=80, Protocol="HTTP", TargetType="ip"),
    }


FORWARD = [{"Type": "forward", "TargetGroupArn": {"Ref": "Targets"}}]


def test_a_listener_may_forward_redirect_or_answer() -> None:
    redirect = [{"Type": "redirect", "RedirectConfig": {"Port": "443", "Protocol": "HTTPS", "StatusCode": "HTTP_301"}}]
    answer = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404", "MessageBody": "no"}}]
    actions = [
        plan_of(**front(DefaultActions=a)).load_balancers[0].listeners[0].default_action
        for a in (FORWARD, redirect, answer)
    ]
    assert isinstance(actions[0], Forward)
    assert actions[0].target_groups[0].target_group == "App/Targets"
    assert actions[1] == Redirect(301, protocol="HTTPS", port="443")
    assert actions[2] == FixedResponse(404, "text/plain", "no")


def test_rules_come_by_priority_with_their_conditions() -> None:
    def rule(priority: int, condition: Json) -> Json:
        return one(
            "ElasticLoadBalancingV2::ListenerRule",
            ListenerArn={"Ref": "Listener"},
            Priority=priority,
            Conditions=[condition],
            Actions=FORWARD,
        )

    path = rule(20, {"Field": "path-pattern", "Values": ["/api/*"]})
    header = rule(10, {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-A", "Values": ["1"]}})
    topology = plan_of(**front(DefaultActions=FORWARD), Path=path, Header=header)
    rules = topology.load_balancers[0].listeners[0].rules
    assert [(r.priority, r.conditions) for r in rules] == [
        (10, (("http-header:X-A", ("1",)),)),
        (20, (("path-pattern", ("/api/*",)),)),
    ]


def test_the_dns_name_is_that_of_the_https_listener() -> None:
    resources = front(DefaultActions=FORWARD)
    resources["Secure"] = one(
        "ElasticLoadBalancingV2::Listener",
        LoadBalancerArn={"Ref": "Balancer"},
        Port=443,
        Certificates=[{"CertificateArn": {"Ref": "Certificate"}}],
        DefaultActions=FORWARD,
    )
    resources["Certificate"] = one("CertificateManager::Certificate", DomainName="example.com")
    (balancer,) = plan_of(**resources).load_balancers
    assert balancer.dns_name == "127.0.0.1:8443"
    assert [(one.protocol, one.endpoint.port, one.endpoint.tls) for one in balancer.listeners] == [
        ("HTTP", 8080, "off"),
        ("HTTPS", 8443, "required"),
    ]
    assert balancer.listeners[1].certificates[0].arn.startswith("arn:aws:acm:")


def test_signing_people_in_at_the_load_balancer_is_a_problem() -> None:
    actions = [{"Type": "authenticate-oidc", "Order": 1}, {**FORWARD[0], "Order": 2}]
    assert "authenticate-oidc does not run here" in messages(plan_of(**front(DefaultActions=actions)))[0]


def test_a_network_load_balancer_is_said_not_to_run() -> None:
    topology = plan_of(Balancer=one("ElasticLoadBalancingV2::LoadBalancer", Type="network"))
    assert status(topology, "Balancer")[0] == "not supported"


def test_health_checks_have_the_services_defaults() -> None:
    (group,) = plan_of(**front(DefaultActions=FORWARD)).target_groups
    check = group.health_check
    assert (check.path, check.matcher, check.interval_s, check.timeout_s) == ("/", "200", 30, 5)
    assert (check.healthy_count, check.unhealthy_count, group.deregistration_delay_s) == (5, 2, 300)


def of_function(**resources: Json) -> dict[str, Json]:
    function = one(
        "Lambda::Function", Runtime="python3.12", Handler="index.a", Role="r", Code={"ZipFile": "def a(e, c): return 1"}
    )
    group = one(
        "ElasticLoadBalancingV2::TargetGroup",
        TargetType="lambda",
        Targets=[{"Id": {"Fn::GetAtt": ["Greet", "Arn"]}}],
        TargetGroupAttributes=[{"Key": "lambda.multi_value_headers.enabled", "Value": "true"}],
    )
    return {**front(DefaultActions=FORWARD), "Targets": group, "Greet": function, **resources}


def test_a_function_is_a_target_where_its_policy_lets_the_load_balancer_call_it() -> None:
    allowed = one(
        "Lambda::Permission",
        Action="lambda:InvokeFunction",
        FunctionName={"Ref": "Greet"},
        Principal="elasticloadbalancing.amazonaws.com",
    )
    topology = plan_of(**of_function(May=allowed))
    (group,) = topology.target_groups
    assert group.function is not None
    assert (group.function.function, group.function.multi_value, group.targets) == ("App/Greet", True, ())
    assert status(topology, "Targets")[0] == "twinned"
    assert status(topology, "Targets")[1].startswith("calls App-Greet-")
    assert not any("requests get" in message for message in messages(topology))
    refused = messages(plan_of(**of_function()))
    assert any("requests get 502: no policy of arn:aws:lambda" in message for message in refused)


def test_what_a_load_balancer_calls_runs_with_it_or_is_said_not_to() -> None:
    topology = plan_of(choice=Choice(only=("Balancer",)), **of_function())
    assert [one.identity.key for one in topology.functions] == ["App/Greet"]
    without = plan_of(choice=Choice(without=("Greet",)), **of_function())
    assert "requests get 503: App/Greet does not run here" in messages(without)
    absent = one("ElasticLoadBalancingV2::TargetGroup", TargetType="lambda", Targets=[{"Id": "arn:aws:lambda:a"}])
    assert status(plan_of(**of_function(Targets=absent)), "Targets") == (
        "not supported",
        "no stack of this app has its function, arn:aws:lambda:a",
    )


@pytest.mark.parametrize(
    ("attributes", "stickiness"),
    [
        ({"stickiness.enabled": "false", "stickiness.type": "lb_cookie"}, None),
        ({"stickiness.enabled": "true"}, Stickiness(86_400)),
        ({"stickiness.enabled": "true", "stickiness.lb_cookie.duration_seconds": "60"}, Stickiness(60)),
        (
            {
                "stickiness.enabled": "true",
                "stickiness.type": "app_cookie",
                "stickiness.app_cookie.cookie_name": "sid",
                "stickiness.app_cookie.duration_seconds": 30,
            },
            Stickiness(30, "sid"),
        ),
        ({"stickiness.enabled": "true", "stickiness.type": "source_ip"}, None),
    ],
)
def test_stickiness_is_by_cookies(attributes: dict[str, Json], stickiness: Stickiness | None) -> None:
    pairs: list[Json] = [{"Key": key, "Value": value} for key, value in attributes.items()]
    topology = plan_of(Group=one("ElasticLoadBalancingV2::TargetGroup", TargetGroupAttributes=pairs))
    assert topology.target_groups[0].stickiness == stickiness
    said = ["TargetGroupAttributes:stickiness.type: only cookies keep a client on its target here"]
    assert messages(topology) == (said if "source_ip" in attributes.values() else [])


def test_the_stickiness_of_an_applications_cookie_needs_its_name() -> None:
    pairs: list[Json] = [
        {"Key": "stickiness.enabled", "Value": "true"},
        {"Key": "stickiness.type", "Value": "app_cookie"},
    ]
    topology = plan_of(Group=one("ElasticLoadBalancingV2::TargetGroup", TargetGroupAttributes=pairs))
    assert "must have stickiness.app_cookie.cookie_name" in status(topology, "Group")[1]
