"""The messaging services as they are deployed: orders come in over HTTP, are worked off, and everybody hears of it."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ecs as ecs
from aws_cdk.aws_ecr_assets import DockerImageAsset, Platform
from constructs import Construct

from cachetwin_cdk.patterns import MessagingService, MessagingServices
from cachetwin_cdk.patterns.messaging.streams import dead_letter_key

_SERVICES = Path(__file__).parent / "services"


def services(image: ecs.ContainerImage, *, drills: bool = True) -> dict[str, MessagingService]:
    """The three services and who may do what: the API hands orders in, the worker does them, the notifier tells of them.

    With ``drills`` the page may kill workers, and half a second's work on an order can be seen.
    """
    return {
        "order-api": MessagingService(
            image=image,
            command=["python", "-m", "orders.api"],
            port=8080,
            publishes=["orders.placed", "orders.resent"],
            enqueues=["orders"],
            keys=["order:*", "orders:*", "notice:feed", dead_letter_key("orders")],
            # An order is acknowledged when the replica has it too, so a failover loses none.
            environment={"REPLICAS_MIN": "1", "DRILLS": "true" if drills else "false"},
        ),
        "notifier": MessagingService(
            image=image,
            command=["python", "-m", "orders.notifier"],
            subscribes=["orders.*"],
            keys=["notice:*", "orders:history"],
            count=1,
        ),
        "worker": MessagingService(
            image=image,
            command=["python", "-m", "orders.worker"],
            works_on="orders",
            publishes=["orders.taken", "orders.done", "orders.failed"],
            keys=["order:*", "orders:*"],
            environment={"STALE_MS": "5000", "JOBS_AT_ONCE": "4", **({"WORK_MS": "500"} if drills else {})},
        ),
    }


class MessagingStack(cdk.Stack):
    """An order API, a notifier and a worker, one image with three commands. Plain HTTP without a certificate."""

    def __init__(
        self, scope: Construct, construct_id: str, *, certificate_arn: str | None = None, drills: bool = True
    ) -> None:
        super().__init__(scope, construct_id, description="Orders: publishers, subscribers and workers on one cache")
        certificate = (
            acm.Certificate.from_certificate_arn(self, "Certificate", certificate_arn) if certificate_arn else None
        )
        # One asset for all three: an image of each container's own would be staged three times.
        asset = DockerImageAsset(self, "Image", directory=str(_SERVICES), platform=Platform.LINUX_AMD64)
        image = ecs.ContainerImage.from_docker_image_asset(asset)
        self.messaging = MessagingServices(
            self,
            "Messaging",
            certificate=certificate,
            allow_plain_http=certificate is None,
            services=services(image, drills=drills),
        )
        cdk.CfnOutput(self, "Url", value=self.messaging.url, description="Where orders are placed")
