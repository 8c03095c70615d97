"""The database of a web application: RDS for PostgreSQL, private, encrypted and reached over TLS only."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from cachetwin_cdk.checks._findings import AWS_KEY_FOR_SECRETS, excuse
from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import ValidationError, require_between
from cachetwin_cdk.network._placement import chosen_subnets
from cachetwin_cdk.operations.backups import RETENTION_MAX_DAYS

from ._findings import DATABASE, acknowledge

DATABASE_PORT = 5432
_NO_AGENT = (
    "CloudWatch has the metrics by the minute and the log (RDS.6); compliance=REGULATED adds the agent on the host."
)
# The newest major version whose minors CDK lists; a minor upgrade is RDS's to make.
_ENGINE_VERSION = rds.PostgresEngineVersion.VER_18


@checked_arguments
@dataclass(frozen=True)
class ExistingDatabase:
    """An existing PostgreSQL database for CachedWebApp.

    Args:
        instance: An RDS instance or cluster.
        secret: Its credentials: a secret with the JSON fields ``username`` and ``password``, as RDS generates them.
    """

    instance: rds.IDatabaseInstance | rds.IDatabaseCluster
    secret: secretsmanager.ISecret

    @property
    def connection_port(self) -> ec2.Port | None:
        """None: the default port of the instance or cluster."""
        return None

    @property
    def host(self) -> str:
        """The host name; of a cluster, that of the writer."""
        if hasattr(self.instance, "db_instance_endpoint_address"):
            return str(self.instance.db_instance_endpoint_address)
        return str(self.instance.cluster_endpoint.hostname)

    @property
    def port_text(self) -> str:
        """The port as text, for an environment variable."""
        if hasattr(self.instance, "db_instance_endpoint_port"):
            return str(self.instance.db_instance_endpoint_port)
        return cdk.Tokenization.stringify_number(self.instance.cluster_endpoint.port)


class WebDatabase(Construct):
    """An RDS instance with its security group, parameter group and generated credentials.

    ``secret`` holds the JSON fields ``username`` and ``password``. Connections without TLS are refused.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        database_name: str,
        instance_type: ec2.InstanceType,
        multi_az: bool,
        backup_retention_days: int,
        removal_policy: cdk.RemovalPolicy,
        encryption_key: kms.IKey | None = None,
        regulated: bool = False,
    ) -> None:
        require_between(
            "backup_retention_days", backup_retention_days, 0, RETENTION_MAX_DAYS, unit="days", remedy="keep at least 7"
        )
        super().__init__(scope, construct_id)
        engine = rds.DatabaseInstanceEngine.postgres(version=_ENGINE_VERSION)
        security_group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=vpc,
            description=f"Who may connect to the database {self.node.path}",
            allow_all_outbound=False,
        )
        self.instance = rds.DatabaseInstance(
            self,
            "Instance",
            engine=engine,
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnets=chosen_subnets(vpc, None)),
            security_groups=[security_group],
            instance_type=instance_type,
            port=DATABASE_PORT,
            database_name=database_name,
            credentials=rds.Credentials.from_generated_secret(
                "app", exclude_characters=" %+~`#$&*()|[]{}:;<>?!'/@\"\\", encryption_key=encryption_key
            ),
            parameter_group=rds.ParameterGroup(self, "Parameters", engine=engine, parameters={"rds.force_ssl": "1"}),
            ca_certificate=rds.CaCertificate.RDS_CA_RSA2048_G1,
            allocated_storage=20,
            max_allocated_storage=100,
            storage_type=rds.StorageType.GP3,
            storage_encrypted=True,
            storage_encryption_key=encryption_key,
            monitoring_interval=cdk.Duration.minutes(1) if regulated else None,
            multi_az=multi_az,
            publicly_accessible=False,
            auto_minor_version_upgrade=True,
            copy_tags_to_snapshot=True,
            backup_retention=cdk.Duration.days(backup_retention_days),
            cloudwatch_logs_exports=["postgresql", *(["upgrade"] if regulated else [])],
            deletion_protection=removal_policy is not cdk.RemovalPolicy.DESTROY,
            removal_policy=removal_policy,
        )

        self._acknowledge_known_findings()
        excuse(
            self.instance,
            "AWS::RDS::DBInstance",
            {
                **({} if regulated else {"CKV_AWS_118": _NO_AGENT}),
                "CKV_AWS_161": "The service logs in over TLS with a generated password from Secrets Manager (RDS.10).",
            },
        )
        if encryption_key is None:
            excuse(self.instance, "AWS::SecretsManager::Secret", AWS_KEY_FOR_SECRETS)
        if regulated:
            acknowledge(self.instance, DATABASE)
            cdk.Validations.of(self.instance).acknowledge(
                cdk.Acknowledgment(
                    id="AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"
                    "AmazonRDSEnhancedMonitoringRole]",
                    reason="AWS made this policy for the role with which RDS writes what it monitors.",
                )
            )

    @property
    def connection_port(self) -> ec2.Port:
        """The port to open, as a number that rules can be checked with."""
        return ec2.Port.tcp(DATABASE_PORT)

    @property
    def host(self) -> str:
        """The host name, or the URL of an API."""
        return self.instance.db_instance_endpoint_address

    @property
    def port_text(self) -> str:
        """The port as text, for an environment variable."""
        return self.instance.db_instance_endpoint_port

    @property
    def secret(self) -> secretsmanager.ISecret:
        """The credentials, attached to the instance."""
        secret = self.instance.secret
        if secret is None:
            raise ValidationError("secret must exist on an instance with generated credentials, got none; report this")
        return secret

    def _acknowledge_known_findings(self) -> None:
        cdk.Validations.of(self.instance).acknowledge(
            cdk.Acknowledgment(
                id="AwsSolutions-RDS11",
                reason="The port clients expect is kept: the security group, TLS and a password guard this database, "
                "not the number of its port.",
            ),
            cdk.Acknowledgment(
                id="AwsSolutions-SMG4",
                reason="Tasks read the password when they start, so a rotation must come with a deployment, which a "
                "schedule alone would not make; rotate with 'add_rotation_single_user' once the service reads it anew.",
            ),
        )
