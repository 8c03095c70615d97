"""Fargate services of the patterns: in private subnets, with an encrypted log, reachable only where a pattern allows it."""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from cachetwin_cdk.checks._validate import WarningId, warn

from ._findings import OWN_POLICY, acknowledge
from ._logs import LogSettings

_HTTPS_PORT = 443
NOT_ROOT = "10001:10001"


def task_definition(
    scope: Construct,
    *,
    cpu: int,
    memory_limit_mib: int,
    runtime_platform: ecs.RuntimePlatform | None,
    regulated: bool = False,
) -> ecs.FargateTaskDefinition:
    """A task definition whose plain environment variables hold no secret."""
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


def _warn_root(scope: Construct, user: str) -> None:
    if user.split(":", maxsplit=1)[0] in {"0", "root"}:
        warn(
            scope,
            WarningId.CONTAINER_AS_ROOT,
            "container_user runs the container as root; leave it out, or name a user of the image that is not",
        )


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
    user: str,
    log_settings: LogSettings,
    log_id: str = "ServiceLog",
    essential: bool = True,
    stop_timeout: cdk.Duration | None = None,
) -> ecs.ContainerDefinition:
    """Add the container of the task, with a read-only root file system unless asked otherwise, and an encrypted log."""
    _warn_root(scope, user)
    log_group = log_settings.create_group(scope, log_id)
    return task.add_container(
        construct_id,
        image=image,
        command=list(command) if command is not None else None,
        environment=dict(environment),
        secrets=dict(secrets),
        logging=ecs.LogDrivers.aws_logs(stream_prefix=construct_id.lower(), log_group=log_group),
        port_mappings=[ecs.PortMapping(container_port=port)] if port is not None else None,
        readonly_root_filesystem=not writable_root_filesystem,
        user=user,
        essential=essential,
        stop_timeout=stop_timeout,
    )


def api_subnets(vpc: ec2.IVpc) -> ec2.SubnetSelection:
    """Subnets that reach the APIs of AWS: through a NAT gateway, or else through endpoints that the VPC must have."""
    return ec2.SubnetSelection(subnets=vpc.private_subnets or vpc.isolated_subnets)


def fargate_service(
    scope: Construct, *, cluster: ecs.ICluster, vpc: ec2.IVpc, task: ecs.FargateTaskDefinition, desired_count: int
) -> ecs.FargateService:
    """A service whose security group allows HTTPS to the APIs of AWS only; a failed deployment is rolled back."""
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
        vpc_subnets=api_subnets(vpc),
        assign_public_ip=False,
    )


def silence_w3005(service: ecs.FargateService) -> None:
    """Silence cfn-lint's W3005: aws-cdk-lib adds a DependsOn where a Ref implies it already."""
    resource = service.node.find_child("Service")
    assert isinstance(resource, ecs.CfnService)  # noqa: S101  (the id and the kind are aws-cdk-lib's API)
    resource.add_metadata("cfn-lint", {"config": {"ignore_checks": ["W3005"]}})
