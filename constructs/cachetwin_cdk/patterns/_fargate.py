"""Fargate services as the patterns run them: in private subnets, logged, and without a path that was not opened."""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from ._findings import OWN_POLICY, acknowledge

_HTTPS_PORT = 443


def task_definition(
    scope: Construct,
    *,
    cpu: int,
    memory_limit_mib: int,
    runtime_platform: ecs.RuntimePlatform | None,
    regulated: bool = False,
) -> ecs.FargateTaskDefinition:
    """A task whose environment holds no secret."""
    task = ecs.FargateTaskDefinition(
        scope, "Task", cpu=cpu, memory_limit_mib=memory_limit_mib, runtime_platform=runtime_platform
    )
    cdk.Validations.of(task).acknowledge(
        cdk.Acknowledgment(
            id="AwsSolutions-ECS2",
            reason="The environment holds addresses and settings only; passwords come from Secrets Manager.",
        ),
        cdk.Acknowledgment(
            id="AwsSolutions-IAM5[Resource::*]",
            reason="ecr:GetAuthorizationToken, with which ECS pulls the image, knows no resources.",
        ),
    )
    if regulated:
        acknowledge(task, OWN_POLICY)
    return task


def logged_container(
    scope: Construct,
    task: ecs.FargateTaskDefinition,
    construct_id: str,
    *,
    image: ecs.ContainerImage,
    command: Sequence[str] | None,
    environment: Mapping[str, str],
    secrets: Mapping[str, ecs.Secret],
    port: int | None,
    writable_root_filesystem: bool,
    log_encryption_key: kms.IKey,
    log_retention: logs.RetentionDays,
    log_removal_policy: cdk.RemovalPolicy,
    stop_timeout: cdk.Duration | None = None,
) -> ecs.ContainerDefinition:
    """The task's container, which cannot write to its image unless asked, and its encrypted log."""
    log_group = logs.LogGroup(
        scope,
        "ServiceLog",
        encryption_key=log_encryption_key,
        retention=log_retention,
        removal_policy=log_removal_policy,
    )
    return task.add_container(
        construct_id,
        image=image,
        command=list(command) if command is not None else None,
        environment=dict(environment),
        secrets=dict(secrets),
        logging=ecs.LogDrivers.aws_logs(stream_prefix=construct_id.lower(), log_group=log_group),
        port_mappings=[ecs.PortMapping(container_port=port)] if port is not None else None,
        readonly_root_filesystem=not writable_root_filesystem,
        stop_timeout=stop_timeout,
    )


def working_subnets(vpc: ec2.IVpc) -> ec2.SubnetSelection:
    """Where AWS's APIs can be reached: through a NAT gateway, or else through the endpoints that the VPC must have."""
    return ec2.SubnetSelection(subnets=vpc.private_subnets or vpc.isolated_subnets)


def closed_service(
    scope: Construct, *, cluster: ecs.ICluster, vpc: ec2.IVpc, task: ecs.FargateTaskDefinition, desired_count: int
) -> ecs.FargateService:
    """A service that may reach AWS's APIs and nothing else yet; a deployment that fails is rolled back."""
    security_group = ec2.SecurityGroup(
        scope,
        "ServiceSecurityGroup",
        vpc=vpc,
        description=f"The service of {scope.node.path}",
        allow_all_outbound=False,
    )
    security_group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(_HTTPS_PORT), "AWS APIs: images, secrets and logs")
    return ecs.FargateService(
        scope,
        "Service",
        cluster=cluster,
        task_definition=task,
        desired_count=desired_count,
        min_healthy_percent=100,
        max_healthy_percent=200,
        circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
        security_groups=[security_group],
        vpc_subnets=working_subnets(vpc),
        assign_public_ip=False,
    )


def ignore_superfluous_dependency(service: ecs.FargateService) -> None:
    """Say that cfn-lint may overlook a DependsOn which aws-cdk-lib adds and a Ref makes superfluous (W3005)."""
    resource = service.node.find_child("Service")
    assert isinstance(resource, ecs.CfnService)  # noqa: S101  (the id and the kind are aws-cdk-lib's API)
    resource.cfn_options.metadata = {"cfn-lint": {"config": {"ignore_checks": ["W3005"]}}}
