"""The CDK app of the reference architectures; the only place that reads context and environment.

Context: ``stack`` names the architectures to synthesise, separated by commas, or ``all``; the web application without
it. ``certificate-arn`` gives the load balancers a certificate for HTTPS. ``drills=off`` takes the button that kills a
worker from the messaging services. ``primary-region`` and ``secondary-region`` are those of the global datastore; without
them the stacks are for the region that they are deployed to.
"""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks
from stacks.cluster.stack import ClusterStack
from stacks.global_datastore.stack import PrimaryStack, SecondaryStack
from stacks.memcached.stack import MemcachedStack
from stacks.messaging.stack import MessagingStack
from stacks.serverless.stack import ServerlessStack
from stacks.session_api.stack import SessionApiStack
from stacks.web_app.stack import WebAppStack

Context = Callable[[str], Any]
# One line per architecture: what the context calls it, and how it is made.
ARCHITECTURES: dict[str, Callable[[cdk.App, Context], cdk.Stack]] = {
    "web-app": lambda app, get: WebAppStack(app, "CachetwinWebApp", certificate_arn=get("certificate-arn")),
    "session-api": lambda app, _get: SessionApiStack(app, "CachetwinSessionApi"),
    "messaging": lambda app, get: MessagingStack(
        app, "CachetwinMessaging", certificate_arn=get("certificate-arn"), drills=get("drills") != "off"
    ),
    "serverless": lambda app, _get: ServerlessStack(app, "CachetwinServerless"),
    "cluster": lambda app, _get: ClusterStack(app, "CachetwinCluster"),
    "memcached": lambda app, get: MemcachedStack(app, "CachetwinMemcached", certificate_arn=get("certificate-arn")),
    "global-primary": lambda app, get: PrimaryStack(app, "CachetwinGlobalPrimary", region=get("primary-region")),
    "global-secondary": lambda app, get: SecondaryStack(
        app, "CachetwinGlobalSecondary", region=get("secondary-region")
    ),
}
DEFAULT = "web-app"


def build(app: cdk.App) -> None:
    """Define the chosen stacks in ``app``, checked by cdk-nag's AwsSolutions rules."""
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    for name in _chosen(str(app.node.try_get_context("stack") or DEFAULT)):
        ARCHITECTURES[name](app, app.node.try_get_context)


def _chosen(text: str) -> list[str]:
    names = list(ARCHITECTURES) if text == "all" else [name.strip() for name in text.split(",")]
    for name in names:
        if name not in ARCHITECTURES:
            raise SystemExit(
                f"context stack must be 'all' or some of {', '.join(ARCHITECTURES)}, got {name!r}; "
                "write it as -c stack=web-app"
            )
    return names


def main() -> None:
    """Synthesise, as the CDK command line asks."""
    app = cdk.App(analytics_reporting=False)
    build(app)
    app.synth()


if __name__ == "__main__":
    main()
