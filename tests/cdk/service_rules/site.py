"""What the rules of the service are tried on: a stack with a network, and what is made in it."""


# ruff: noqa: ANN401  (properties of every kind are passed through)

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns

from cachetwin_cdk import (
    Access,
    AccessString,
    AuthToken,
    ConnectionType,
    Durability,
    Engine,
    EngineVersion,
    IamUser,
    Logging,
    MemcachedCluster,
    NodeType,
    PasswordUser,
    ReplicationGroup,
    ServerlessCache,
    ServerlessEngine,
    Shard,
    Topology,
    UserGroup,
    ValidationError,
)

Warnings = Callable[[], list[str]]
OPEN: dict[str, Any] = {"access": Access.unauthenticated(), "logging": Logging.off()}
ONE_NODE: dict[str, Any] = {"topology": Topology.single_node()}
CLUSTER: dict[str, Any] = {"topology": Topology.cluster()}
PUBLIC: dict[str, Any] = {"vpc": None, "connection_type": ConnectionType.PUBLIC, "engine": ServerlessEngine.VALKEY_9}
DURABLE: dict[str, Any] = {
    "durability": Durability.SYNC,
    "engine_version": EngineVersion.VALKEY_9_0,
    "node_type": NodeType.R7G_LARGE,
    **CLUSTER,
}
HALVES = [Shard(slots="0-8191"), Shard(slots="8192-16383")]


@dataclass(frozen=True)
class Site:
    """A stack with a network, and what is made in it."""

    stack: cdk.Stack
    vpc: ec2.IVpc

    def group(self, construct_id: str = "Cache", **props: Any) -> ReplicationGroup:
        return ReplicationGroup(self.stack, construct_id, **{"vpc": self.vpc, **props})

    def large(self, **props: Any) -> ReplicationGroup:
        return self.group(**{"node_type": NodeType.M7G_LARGE, **props})

    def memcached(self, **props: Any) -> MemcachedCluster:
        return MemcachedCluster(self.stack, "Pages", vpc=self.vpc, **props)

    def serverless(self, **props: Any) -> ServerlessCache:
        return ServerlessCache(self.stack, "Serverless", **{"vpc": self.vpc, **props})

    def token(self, **props: Any) -> AuthToken:
        return AuthToken.generate(self.stack, "Token", **props)

    def user(self, name: str = "ann", engine: Engine = Engine.VALKEY, construct_id: str = "User") -> PasswordUser:
        rules = AccessString.application()
        return PasswordUser(self.stack, construct_id, user_name=name, engine=engine, access_string=rules)

    def iam_user(self, engine: Engine = Engine.VALKEY, **props: Any) -> IamUser:
        return IamUser(self.stack, "Iam", access_string=AccessString.application(), engine=engine, **props)

    def users(self, *users: Any, engine: Engine = Engine.VALKEY) -> UserGroup:
        return UserGroup(self.stack, "Users", users=users, engine=engine)

    def secrets(self, count: int) -> list[secretsmanager.ISecret]:
        return [
            secretsmanager.Secret.from_secret_name_v2(self.stack, f"Secret{number}", f"orders/{number}")
            for number in range(count)
        ]

    def ruled(self, text: str) -> PasswordUser:
        return PasswordUser(self.stack, "Ruled", access_string=AccessString.of(text))

    def subnets(self, count: int) -> ec2.SubnetSelection:
        ids = (f"subnet-0123456789abcd{number:03}" for number in range(count))
        made = [
            ec2.Subnet.from_subnet_attributes(
                self.stack, subnet_id, subnet_id=subnet_id, availability_zone=f"eu-west-1{chr(97 + number)}"
            )
            for number, subnet_id in enumerate(ids)
        ]
        return ec2.SubnetSelection(subnets=made)

    def ipv4_vpc(self) -> ec2.Vpc:
        private = ec2.SubnetConfiguration(name="Data", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
        return ec2.Vpc(self.stack, "Own", max_azs=2, nat_gateways=0, subnet_configuration=[private])

    def topic(self, **props: Any) -> sns.Topic:
        return sns.Topic(self.stack, "Topic", **props)

    def key(self) -> kms.Key:
        return kms.Key(self.stack, "Key")


Make = Callable[[Site], object]
Row = tuple[Make, str, Make]  # what breaks the rule, a part of the message or the warning's id, what keeps it
Table = dict[str, list[Row]]  # by the rule's id
# id of the rule: (what breaks it, what is said), what keeps it


def cases(table: Table) -> list[Any]:
    return [
        pytest.param(row, id=f"{rule}-{number}")
        for rule, rows in table.items()
        for number, row in enumerate(rows, start=1)
    ]


class RuleTests:
    """The tests of every table of rules. A subclass names its tables."""

    REFUSED: ClassVar[Table] = {}
    WARNED: ClassVar[Table] = {}

    def test_what_breaks_a_rule_is_refused(self, site: Site, refused: Row) -> None:
        broken, message, _ = refused
        with pytest.raises(ValidationError) as error:
            broken(site)
        assert message in str(error.value)
        assert "; " in str(error.value), "the message says what to do"

    def test_what_keeps_it_is_accepted(self, site: Site, refused: Row) -> None:
        refused[2](site)

    def test_the_unwise_is_warned_of(self, site: Site, warnings: Warnings, warned: Row) -> None:
        unwise, warning, _ = warned
        unwise(site)
        assert f"cachetwin:{warning}" in warnings()

    def test_the_wise_is_not(self, site: Site, warnings: Warnings, warned: Row) -> None:
        _, warning, wise = warned
        wise(site)
        assert f"cachetwin:{warning}" not in warnings()
