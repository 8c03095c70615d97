"""What the stacks of single constructs stand on: a private network and a topic for their alarms."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns


def private_network(stack: cdk.Stack) -> ec2.Vpc:
    """Isolated subnets in two zones, with nothing that leads out, and flow logs."""
    return ec2.Vpc(
        stack,
        "Vpc",
        max_azs=2,
        nat_gateways=0,
        restrict_default_security_group=False,
        subnet_configuration=[ec2.SubnetConfiguration(name="Cache", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)],
        flow_logs={
            "Flow": ec2.FlowLogOptions(
                destination=ec2.FlowLogDestination.to_cloud_watch_logs(
                    logs.LogGroup(
                        stack,
                        "FlowLog",
                        retention=logs.RetentionDays.ONE_MONTH,
                        removal_policy=cdk.RemovalPolicy.DESTROY,
                    )
                )
            )
        },
    )


def alarm_topic(stack: cdk.Stack) -> sns.Topic:
    """An encrypted topic that takes messages over TLS only; subscribe whoever is on call."""
    key = kms.Key(stack, "AlarmKey", description="Encrypts the alarms on their way", enable_key_rotation=True)
    for service in ("cloudwatch", "events"):
        key.grant(iam.ServicePrincipal(f"{service}.amazonaws.com"), "kms:Decrypt", "kms:GenerateDataKey*")
    return sns.Topic(stack, "AlarmTopic", master_key=key, enforce_ssl=True)
