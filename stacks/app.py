"""The CDK app of the reference architectures; the only place that reads context and environment.

Context: ``certificate-arn`` gives the web application's load balancer a certificate for HTTPS.
"""

from stacks.web_app.stack import WebAppStack  # isort: skip  (first: it chooses the Node that aws_cdk starts)

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks


def build(app: cdk.App) -> None:
    """Define every stack in ``app``, checked by cdk-nag's AwsSolutions rules."""
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    WebAppStack(app, "CachetwinWebApp", certificate_arn=app.node.try_get_context("certificate-arn"))


def main() -> None:
    """Synthesise, as the CDK command line asks."""
    app = cdk.App(analytics_reporting=False)
    build(app)
    app.synth()


if __name__ == "__main__":
    main()
