"""The web application as it is deployed: a product catalogue on PostgreSQL, behind a Valkey query cache."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ecs as ecs
from aws_cdk.aws_ecr_assets import Platform
from constructs import Construct

from cachetwin_cdk.patterns import CachedWebApp

_SERVICE = Path(__file__).parent / "service"


class WebAppStack(cdk.Stack):
    """The catalogue. Serves HTTPS with the certificate of ``certificate_arn``, and plain HTTP without one."""

    def __init__(self, scope: Construct, construct_id: str, *, certificate_arn: str | None = None) -> None:
        super().__init__(scope, construct_id, description="Product catalogue: PostgreSQL behind a Valkey query cache")
        certificate = (
            acm.Certificate.from_certificate_arn(self, "Certificate", certificate_arn) if certificate_arn else None
        )
        self.app = CachedWebApp(
            self,
            "WebApp",
            image=ecs.ContainerImage.from_asset(str(_SERVICE), platform=Platform.LINUX_AMD64),
            migrate_command=["python", "-m", "catalogue.migrate"],
            certificate=certificate,
            allow_plain_http=certificate is None,
            cache_key_prefix="catalogue:",
            database_name="catalogue",
        )
        cdk.CfnOutput(self, "Url", value=self.app.url, description="Where the catalogue answers")
