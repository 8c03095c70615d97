"""The example of docs/how-to/template-snapshots.md, here for mypy --strict; ``test_testing.py`` runs it."""

from collections.abc import Callable

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2

from cachetwin_cdk import ReplicationGroup


class Shop(cdk.Stack):
    def __init__(self, app: cdk.App) -> None:
        super().__init__(app, "Shop")
        vpc = ec2.Vpc(self, "Vpc", max_azs=2, restrict_default_security_group=False)
        ReplicationGroup(self, "Cache", vpc=vpc)


def test_the_template_is_the_one_we_reviewed(template_snapshot: Callable[[cdk.Stack], None]) -> None:
    template_snapshot(Shop(cdk.App(analytics_reporting=False)))
