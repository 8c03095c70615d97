"""The roles of services, and every way in which a policy reaches one."""

from tests.local.resources.templates import IMAGE, messages, one, plan_of

from cachetwin_local.assembly.template import Json
from cachetwin_local.identity.directory import Principal
from cachetwin_local.topology.principals import principals_of
from cachetwin_local.topology.values import Topology


def grant(resource: Json = "*", **more: Json) -> Json:
    return {"Statement": [{"Effect": "Allow", "Action": "elasticache:Connect", "Resource": resource, **more}]}


def service(role: Json | None, **resources: Json) -> Topology:
    definition = {"Name": "web", "Image": f"x:{IMAGE.asset_hash}"}
    with_role: dict[str, Json] = {} if role is None else {"TaskRoleArn": role}
    return plan_of(
        Task=one("ECS::TaskDefinition", ContainerDefinitions=[definition], **with_role),
        Service=one("ECS::Service", TaskDefinition={"Ref": "Task"}),
        **resources,
    )


def principal(topology: Topology) -> Principal:
    (found,) = principals_of(topology)
    return found


def may_connect(topology: Topology) -> bool:
    return principal(topology).may("elasticache:Connect", "arn:aws:elasticache:us-east-1:1:user:app", {}).allowed


ROLE: Json = {"Fn::GetAtt": ["Role", "Arn"]}


def test_a_service_without_a_task_role_has_no_credentials() -> None:
    assert principals_of(service(None)) == []


def test_a_role_has_the_policies_in_it_and_those_that_name_it() -> None:
    assert not may_connect(service(ROLE, Role=one("IAM::Role")))
    inline = one("IAM::Role", Policies=[{"PolicyName": "p", "PolicyDocument": grant()}])
    assert may_connect(service(ROLE, Role=inline))
    for kind in ("IAM::Policy", "IAM::ManagedPolicy"):
        attached = one(kind, PolicyName="p", Roles=[{"Ref": "Role"}], PolicyDocument=grant())
        assert may_connect(service(ROLE, Role=one("IAM::Role"), Policy=attached))
        assert not may_connect(
            service(ROLE, Role=one("IAM::Role"), Policy=one(kind, PolicyDocument=grant(), Roles=["x"]))
        )
    alone = one("IAM::RolePolicy", PolicyName="p", RoleName={"Ref": "Role"}, PolicyDocument=grant())
    assert may_connect(service(ROLE, Role=one("IAM::Role"), Policy=alone))


def test_a_role_has_the_managed_policies_that_it_names() -> None:
    own = one("IAM::ManagedPolicy", PolicyDocument=grant())
    assert may_connect(service(ROLE, Role=one("IAM::Role", ManagedPolicyArns=[{"Ref": "Policy"}]), Policy=own))
    of_aws = "arn:aws:iam::aws:policy/AmazonElastiCacheFullAccess"
    assert may_connect(service(ROLE, Role=one("IAM::Role", ManagedPolicyArns=[of_aws])))
    vpc = "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"
    without = service(ROLE, Role=one("IAM::Role", ManagedPolicyArns=[vpc]))
    assert not may_connect(without)
    assert messages(without) == []


def test_what_counts_for_nothing_is_named() -> None:
    unknown = "arn:aws:iam::aws:policy/SomethingNew"
    assert messages(service(ROLE, Role=one("IAM::Role", ManagedPolicyArns=[unknown]))) == [
        "managed policy SomethingNew is not known here: it counts for nothing"
    ]
    broken = one("IAM::Policy", PolicyName="p", Roles=[{"Ref": "Role"}], PolicyDocument={"Statement": [{}]})
    assert messages(service(ROLE, Role=one("IAM::Role"), Policy=broken)) == [
        "policy p, statement 0: Effect must be Allow or Deny, got None: the policy counts for nothing here"
    ]
    network = grant(Condition={"StringEquals": {"aws:SourceVpce": "vpce-1"}})
    with_network = service(ROLE, Role=one("IAM::Role", Policies=[{"PolicyName": "p", "PolicyDocument": network}]))
    (message,) = messages(with_network)
    assert message.endswith("an Allow holds, a Deny does not: p: StringEquals aws:SourceVpce")
    assert may_connect(with_network)


def test_a_boundary_limits_a_role() -> None:
    inline = [{"PolicyName": "p", "PolicyDocument": grant()}]
    limit = one(
        "IAM::ManagedPolicy", PolicyDocument={"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
    )
    assert not may_connect(
        service(ROLE, Role=one("IAM::Role", Policies=inline, PermissionsBoundary={"Ref": "Limit"}), Limit=limit)
    )


def test_an_imported_role_has_what_the_app_gives_it() -> None:
    arn = "arn:aws:iam::000000000000:role/team/shared"
    attached = one("IAM::Policy", PolicyName="p", Roles=["shared"], PolicyDocument=grant())
    topology = service(arn, Policy=attached)
    assert may_connect(topology)
    assert messages(topology) == ["role shared is not of this app: only the policies that the app gives it count here"]


def test_tags_of_caches_and_users_are_kept_for_conditions() -> None:
    user = one(
        "ElastiCache::User", UserId="app", UserName="app", Engine="valkey", AuthenticationMode={"Type": "iam"},
        Tags=[{"Key": "team", "Value": "shop"}],
    )  # fmt: skip
    topology = plan_of(User=user)
    assert topology.tags == {"arn:aws:elasticache:us-east-1:000000000000:user:app": {"team": "shop"}}
