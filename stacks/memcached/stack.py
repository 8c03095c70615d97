"""The catalogue in front of Memcached: a service that finds the nodes by auto discovery, alarms and a dashboard."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ecs as ecs
from aws_cdk.aws_ecr_assets import Platform
from constructs import Construct
from stacks.foundation import alarm_topic

from cachetwin_cdk import CacheAlarms, CacheDashboard
from cachetwin_cdk.patterns import CachedWebApp

_STACKS = Path(__file__).parents[1]
_IN_IMAGE = ("memcached/service", "web_app/service/catalogue")
"""What the image is built from: the service, and the catalogue of the web app, whose database it shares the code of."""


class MemcachedStack(cdk.Stack):
    """Three nodes. Serves HTTPS with the certificate of ``certificate_arn``, and plain HTTP without one."""

    def __init__(self, scope: Construct, construct_id: str, *, certificate_arn: str | None = None) -> None:
        super().__init__(scope, construct_id, description="Product catalogue: PostgreSQL behind Memcached nodes")
        certificate = (
            acm.Certificate.from_certificate_arn(self, "Certificate", certificate_arn) if certificate_arn else None
        )
        self.app = CachedWebApp(
            self,
            "WebApp",
            image=ecs.ContainerImage.from_asset(
                str(_STACKS),
                file="memcached/service/Dockerfile",
                exclude=["*", *(f"!{folder}" for folder in _IN_IMAGE), "**/__pycache__"],
                ignore_mode=cdk.IgnoreMode.DOCKER,
                platform=Platform.LINUX_AMD64,
            ),
            migrate_command=["python", "-m", "stacks.web_app.service.catalogue.migrate"],
            certificate=certificate,
            allow_plain_http=certificate is None,
            memcached_nodes=3,
            cache_ttl=cdk.Duration.minutes(15),
            database_name="catalogue",
        )
        alarms = CacheAlarms(self, "Alarms", cache=self.app.cache, topic=alarm_topic(self))
        CacheDashboard(self, "Dashboard", caches=[self.app.cache], alarms=[alarms])
        cdk.CfnOutput(self, "Url", value=self.app.url, description="Where the catalogue answers")
