"""An endpoint for the API of ElastiCache, for subnets without a route to the internet.

An interface endpoint of AWS PrivateLink for ``com.amazonaws.<region>.elasticache``. With its private DNS the SDKs' usual
address leads to it; only one endpoint of a VPC may have that.
"""

from collections.abc import Sequence

import aws_cdk as cdk
import jsii
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from cachetwin_cdk.checks._claims import claim_private_dns
from cachetwin_cdk.checks._places import identity_of_vpc
from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import ValidationError, known, refuse, require_match

from ._placement import chosen_subnets

# What tells and changes nothing; the API has no other verbs that only read.
_READING = ("elasticache:Describe*", "elasticache:List*")
_HTTPS = 443


@checked_arguments
@jsii.implements(ec2.IConnectable)
class ControlPlaneEndpoint(Construct):
    """An endpoint in the VPC for the API of ElastiCache, for callers in subnets without a route to the internet.

    Defines one AWS::EC2::VPCEndpoint and, unless given, its security group, which admits nobody: open it with
    ``connections.allow_default_port_from``, or pass the endpoint to a rotation, which opens what it needs. The
    policy of the endpoint allows principals of this account to read; ``allow`` adds further actions. The caller's
    IAM policies apply as well.

    Args:
        vpc: The VPC of the callers. Changing it replaces the endpoint.
        vpc_subnets: The subnets of the endpoint. By default one isolated subnet, or else one private subnet, in
            each availability zone.
        security_groups: The security groups of the endpoint. By default one is created that admits nobody.
        private_dns_enabled: Whether the usual name of the API leads to this endpoint within the VPC. One endpoint of
            a VPC may have that name; a second one of this app is refused.
        fips: Whether the endpoint uses cryptography validated under FIPS 140; not every region has it. Changing it
            replaces the endpoint.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        vpc_subnets: ec2.SubnetSelection | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        private_dns_enabled: bool = True,
        fips: bool = False,
    ) -> None:
        subnets = vpc.select_subnets(subnets=chosen_subnets(vpc, vpc_subnets), one_per_az=True)
        if not subnets.subnet_ids:
            refuse("vpc_subnets", "select at least one subnet", subnets.subnet_ids, "select subnets the VPC has")
        zones = [subnet.availability_zone for subnet in subnets.subnets]
        if known(*zones) and len(set(zones)) < len(zones):
            refuse("vpc_subnets", "be one in each availability zone", ", ".join(zones), "select one subnet per zone")
        if private_dns_enabled and isinstance(vpc, ec2.Vpc):
            _require_dns(vpc)
        super().__init__(scope, construct_id)
        self.vpc = vpc
        """The VPC of the callers."""
        if private_dns_enabled:
            claim_private_dns(self, identity_of_vpc(vpc), "elasticache-fips" if fips else "elasticache")
        groups = list(security_groups) if security_groups else [self._closed_security_group(vpc)]
        services = ec2.InterfaceVpcEndpointAwsService
        self.endpoint = ec2.InterfaceVpcEndpoint(
            self,
            "Resource",
            vpc=vpc,
            service=services.ELASTICACHE_FIPS if fips else services.ELASTICACHE,
            subnets=ec2.SubnetSelection(subnets=subnets.subnets),
            security_groups=groups,
            private_dns_enabled=private_dns_enabled,
            open=False,  # the L2 would admit the whole VPC
        )
        """The endpoint itself."""
        self._connections = ec2.Connections(security_groups=groups, default_port=ec2.Port.tcp(_HTTPS))
        self.allow(*_READING)

    @property
    def connections(self) -> ec2.Connections:
        """Who may call; the default port is HTTPS."""
        return self._connections

    def allow(self, *actions: str, resources: Sequence[str] = ("*",)) -> None:
        """Let principals of this account call ``actions`` on ``resources`` through the endpoint, where IAM allows it, too.

        Raises ValidationError for actions of other services, which have endpoints of their own.
        """
        if not actions:
            raise ValidationError("actions must name at least one action, got none; write elasticache:ModifyUser")
        for action in actions:
            require_match(
                "actions",
                action,
                r"elasticache:[A-Z][A-Za-z]*\*?",
                "be actions of ElastiCache, not all of them",
                remedy="write them as elasticache:ModifyUser",
            )
        self.endpoint.add_to_policy(
            iam.PolicyStatement(
                principals=[iam.AnyPrincipal()],
                actions=sorted(actions),
                resources=list(resources),
                conditions={"StringEquals": {"aws:PrincipalAccount": cdk.Stack.of(self).account}},
            )
        )

    def _closed_security_group(self, vpc: ec2.IVpc) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=vpc,
            description=f"Who may call the API of ElastiCache through {self.node.path}",
            allow_all_outbound=False,
        )


def _require_dns(vpc: ec2.Vpc) -> None:
    """Raise ValidationError for a VPC of this app in which no private name of an endpoint is resolved."""
    if not (vpc.dns_hostnames_enabled and vpc.dns_support_enabled):
        refuse(
            "private_dns_enabled",
            "be False in a VPC without DNS support and DNS hostnames",
            vpc.node.path,
            "make the Vpc with enable_dns_support and enable_dns_hostnames",
        )
