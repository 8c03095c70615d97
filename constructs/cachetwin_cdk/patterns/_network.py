"""The VPC that a pattern creates when none is given."""

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from ._findings import NETWORK, OWN_POLICY, PUBLIC_SUBNET, acknowledge
from ._logs import LogSettings


def private_network(
    scope: Construct,
    construct_id: str,
    *,
    log_settings: LogSettings,
    regulated: bool = False,
) -> ec2.Vpc:
    """A VPC in two zones: public subnets for a load balancer, private ones with egress, isolated ones for data.

    One NAT gateway serves both zones: what needs it (pulling images, sending logs) can wait for a zone to come back,
    and a second would double the largest fixed cost. Rejected and accepted flows are logged.
    """
    vpc = ec2.Vpc(
        scope,
        construct_id,
        max_azs=2,
        nat_gateways=1,
        # Nothing uses the default group; emptying it would take a custom resource with a function of its own.
        restrict_default_security_group=False,
        subnet_configuration=[
            ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC, map_public_ip_on_launch=False),
            ec2.SubnetConfiguration(name="Private", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
            ec2.SubnetConfiguration(name="Data", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
        ],
    )
    _log_flows(vpc, log_settings, regulated=regulated)
    if regulated:
        acknowledge(vpc, {**NETWORK, **PUBLIC_SUBNET})
    return vpc


def isolated_network(
    scope: Construct,
    construct_id: str,
    *,
    log_settings: LogSettings,
    regulated: bool = False,
) -> ec2.Vpc:
    """A VPC in two zones with isolated subnets only: no gateway, so nothing in it can reach or be reached from outside.

    Enough for functions, which Lambda invokes and whose logs and traces it takes outside of the VPC.
    """
    vpc = ec2.Vpc(
        scope,
        construct_id,
        max_azs=2,
        nat_gateways=0,
        restrict_default_security_group=False,  # as above
        subnet_configuration=[ec2.SubnetConfiguration(name="Data", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)],
    )
    _log_flows(vpc, log_settings, regulated=regulated)
    if regulated:
        acknowledge(vpc, NETWORK)
    return vpc


def _log_flows(vpc: ec2.Vpc, log_settings: LogSettings, *, regulated: bool) -> None:
    log_group = log_settings.create_group(vpc, "FlowLogGroup")
    role = iam.Role(
        vpc,
        "FlowLogRole",
        assumed_by=iam.ServicePrincipal("vpc-flow-logs.amazonaws.com"),
        description=f"Lets the flow log of {vpc.node.path} write",
    )
    vpc.add_flow_log("FlowLog", destination=ec2.FlowLogDestination.to_cloud_watch_logs(log_group, role))
    if regulated:
        acknowledge(role, OWN_POLICY)
