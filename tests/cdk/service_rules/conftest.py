"""The stack of each test, and the rows that the tests of `site.RuleTests` run for."""

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from tests.cdk.service_rules.site import RuleTests, Site, cases


@pytest.fixture
def site(stack: cdk.Stack, vpc: ec2.IVpc) -> Site:
    return Site(stack, vpc)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.cls is not None and issubclass(metafunc.cls, RuleTests):
        if "refused" in metafunc.fixturenames:
            metafunc.parametrize("refused", cases(metafunc.cls.REFUSED))
        if "warned" in metafunc.fixturenames:
            metafunc.parametrize("warned", cases(metafunc.cls.WARNED))
