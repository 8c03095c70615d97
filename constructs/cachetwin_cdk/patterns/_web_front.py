"""The application load balancer of a pattern, with access logs."""

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cachetwin_cdk.checks._findings import excuse
from cachetwin_cdk.checks._places import require_region_of_arn

from ._findings import ACCESS_LOGS, FRONT, acknowledge

_LOG_PREFIX = "load-balancer"


class WebFront(Construct):
    """A public load balancer with access logs, and one listener: HTTPS, or plain HTTP without a certificate."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        certificate: acm.ICertificate | None,
        access_log_retention: cdk.Duration,
        removal_policy: cdk.RemovalPolicy,
        regulated: bool = False,
    ) -> None:
        if certificate is not None:
            require_region_of_arn("certificate", scope, certificate.certificate_arn)
        super().__init__(scope, construct_id)
        self.port = 443 if certificate is not None else 80
        self.security_group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=vpc,
            description=f"Who may call {self.node.path}",
            allow_all_outbound=False,
        )
        self.security_group.add_ingress_rule(
            ec2.Peer.any_ipv4(), ec2.Port.tcp(self.port), "The web application is public"
        )
        self.load_balancer = elbv2.ApplicationLoadBalancer(
            self,
            "LoadBalancer",
            vpc=vpc,
            internet_facing=True,
            security_group=self.security_group,
            drop_invalid_header_fields=True,
            deletion_protection=removal_policy is not cdk.RemovalPolicy.DESTROY,
        )
        self.access_logs = self._access_logs(access_log_retention, removal_policy, versioned=regulated)
        self.listener = self.load_balancer.add_listener(
            "Listener",
            port=self.port,
            protocol=elbv2.ApplicationProtocol.HTTPS if certificate is not None else elbv2.ApplicationProtocol.HTTP,
            certificates=[certificate] if certificate is not None else None,
            ssl_policy=elbv2.SslPolicy.TLS13_RES if certificate is not None else None,
            open=False,  # the security group says who may call
        )
        self._acknowledge_known_findings()
        self._excuse_known_findings()
        if regulated:
            acknowledge(self.load_balancer, FRONT)
            acknowledge(self.access_logs, ACCESS_LOGS)

    @property
    def url(self) -> str:
        """The URL of the load balancer. With a certificate, clients use the name of the certificate instead."""
        scheme = "https" if self.port == 443 else "http"
        return f"{scheme}://{self.load_balancer.load_balancer_dns_name}"

    def _access_logs(self, retention: cdk.Duration, removal_policy: cdk.RemovalPolicy, *, versioned: bool) -> s3.Bucket:
        destroyable = removal_policy is cdk.RemovalPolicy.DESTROY
        bucket = s3.Bucket(
            self,
            "AccessLogs",
            encryption=s3.BucketEncryption.S3_MANAGED,  # the only kind that load balancers can write to
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            versioned=versioned,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[
                s3.LifecycleRule(expiration=retention, noncurrent_version_expiration=retention if versioned else None)
            ],
            removal_policy=cdk.RemovalPolicy.DESTROY if destroyable else cdk.RemovalPolicy.RETAIN,
        )
        # ApplicationLoadBalancer.log_access_logs needs to know the region; this principal works in all of them.
        account = cdk.Stack.of(self).account
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("logdelivery.elasticloadbalancing.amazonaws.com")],
                actions=["s3:PutObject"],
                resources=[bucket.arn_for_objects(f"{_LOG_PREFIX}/AWSLogs/{account}/*")],
            )
        )
        for key, value in (("enabled", "true"), ("bucket", bucket.bucket_name), ("prefix", _LOG_PREFIX)):
            self.load_balancer.set_attribute(f"access_logs.s3.{key}", value)
        if bucket.policy is not None:
            self.load_balancer.node.add_dependency(bucket.policy)
        return bucket

    def _excuse_known_findings(self) -> None:
        """For checkov, in the template."""
        excuse(
            self.security_group,
            "AWS::EC2::SecurityGroup",
            {"CKV_AWS_260": "The load balancer's one port is for the public, and nothing else is."},
        )
        excuse(
            self.access_logs,
            "AWS::S3::Bucket",
            {
                "CKV_AWS_18": "It is the bucket of access logs: logs of reading logs tell nobody anything.",
                "CKV_AWS_21": "Access logs are written once, and expire after 90 days.",
            },
        )
        if self.port == 80:
            plain = "The app asked for plain HTTP (allow_plain_http)."
            excuse(self.listener, "AWS::ElasticLoadBalancingV2::Listener", {"CKV_AWS_2": plain, "CKV_AWS_103": plain})

    def _acknowledge_known_findings(self) -> None:
        cdk.Validations.of(self.security_group).acknowledge(
            cdk.Acknowledgment(
                id="AwsSolutions-EC23", reason="A public web application is called from anywhere, on this one port."
            )
        )
        cdk.Validations.of(self.access_logs).acknowledge(
            cdk.Acknowledgment(
                id="AwsSolutions-S1",
                reason="This bucket holds access logs; logging the access to them would never end.",
            )
        )
