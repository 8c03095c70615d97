"""The patterns under cdk-nag: AwsSolutions with the defaults, HIPAA's and NIST's packs too with REGULATED."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_apigateway as rest
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Match, Template
from cdk_nag import AwsSolutionsChecks, HIPAASecurityChecks, NIST80053R4Checks, NIST80053R5Checks

from cachetwin_cdk import Compliance, ValidationError
from cachetwin_cdk.patterns import ApiType, CachedWebApp, MessagingService, MessagingServices, SessionApi

PACKS: dict[Compliance, tuple[Callable[[cdk.App], Any], ...]] = {
    Compliance.STANDARD: (AwsSolutionsChecks,),
    Compliance.REGULATED: (AwsSolutionsChecks, HIPAASecurityChecks, NIST80053R4Checks, NIST80053R5Checks),
}
IMAGE = ecs.ContainerImage.from_registry("public.ecr.aws/docker/library/python:3.13")
ARN = "arn:aws:acm:eu-west-1:111122223333:certificate/abc"
SERVICES = {
    "api": MessagingService(image=IMAGE, enqueues=["orders"], port=8080),
    "worker": MessagingService(image=IMAGE, works_on="orders"),
}


def _certificate(stack: cdk.Stack) -> acm.ICertificate:
    return acm.Certificate.from_certificate_arn(stack, "Certificate", ARN)


def _topic(stack: cdk.Stack) -> sns.Topic:
    return sns.Topic(stack, "OnCall", master_key=kms.Key(stack, "Key", enable_key_rotation=True), enforce_ssl=True)


def _code() -> lambda_.Code:
    return lambda_.Code.from_inline("def handle(event, context): return {'statusCode': 204}")


def a_web_app(stack: cdk.Stack, compliance: Compliance) -> None:
    CachedWebApp(stack, "Web", image=IMAGE, certificate=_certificate(stack), compliance=compliance)


def a_web_app_without_nodes(stack: cdk.Stack, compliance: Compliance) -> None:
    CachedWebApp(
        stack,
        "Web",
        image=IMAGE,
        certificate=_certificate(stack),
        serverless_cache=True,
        rotate_cache_password_days=30,
        compliance=compliance,
    )


def an_http_api(stack: cdk.Stack, compliance: Compliance) -> None:
    SessionApi(stack, "Sessions", code=_code(), compliance=compliance)


def a_rest_api(stack: cdk.Stack, compliance: Compliance) -> None:
    SessionApi(stack, "Sessions", code=_code(), api_type=ApiType.REST, compliance=compliance)


def a_rest_api_for_anybody(stack: cdk.Stack, compliance: Compliance) -> None:
    SessionApi(
        stack,
        "Sessions",
        code=_code(),
        api_type=ApiType.REST,
        routes=["GET /session"],
        allow_anonymous=True,
        cors_preflight=rest.CorsOptions(allow_origins=["https://shop.example.com"]),
        compliance=compliance,
    )


def messaging(stack: cdk.Stack, compliance: Compliance) -> None:
    MessagingServices(
        stack,
        "Shop",
        services=SERVICES,
        certificate=_certificate(stack),
        alarm_topic=_topic(stack),
        rotate_cache_password_days=30,
        compliance=compliance,
    )


PATTERNS = (a_web_app, a_web_app_without_nodes, an_http_api, a_rest_api, a_rest_api_for_anybody, messaging)


@pytest.mark.parametrize("compliance", Compliance)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_packs_find_nothing_that_is_not_acknowledged(
    pattern: Callable[[cdk.Stack, Compliance], None], compliance: Compliance
) -> None:
    app = cdk.App(analytics_reporting=False)
    for pack in PACKS[compliance]:
        cdk.Validations.of(app).add_plugins(pack(app))
    pattern(cdk.Stack(app, "Records"), compliance)
    app.synth()  # raises on a finding


def test_a_regulated_web_app_keeps_both_stores_and_their_secrets_under_one_key(stack: cdk.Stack) -> None:
    web = CachedWebApp(stack, "Web", image=IMAGE, certificate=_certificate(stack), compliance=Compliance.REGULATED)
    assert web.data_key is not None
    template, arn = Template.from_stack(stack), stack.resolve(web.data_key.key_arn)
    database = {"KmsKeyId": arn, "BackupRetentionPeriod": 15, "MonitoringInterval": 60}
    template.has_resource_properties("AWS::RDS::DBInstance", database)
    cache = {"KmsKeyId": Match.any_value(), "SnapshotRetentionLimit": 15}
    template.has_resource_properties("AWS::ElastiCache::ReplicationGroup", cache)
    template.all_resources_properties("AWS::SecretsManager::Secret", {"KmsKeyId": arn})


def test_a_regulated_session_api_keeps_its_cache_for_longer(stack: cdk.Stack) -> None:
    SessionApi(stack, "Sessions", code=_code(), compliance=Compliance.REGULATED)
    cache = {"SnapshotRetentionLimit": 15, "KmsKeyId": Match.any_value()}
    Template.from_stack(stack).has_resource_properties("AWS::ElastiCache::ServerlessCache", cache)


def test_backups_that_are_kept_too_short_are_refused(stack: cdk.Stack) -> None:
    with pytest.raises(ValidationError, match="retention_days must be at least 15"):
        SessionApi(stack, "S", code=_code(), compliance=Compliance.REGULATED, backup_retention_days=1)


def test_somebody_has_to_hear_of_jobs_that_were_given_up(stack: cdk.Stack) -> None:
    with pytest.raises(ValidationError, match="alarm_topic must be given with compliance REGULATED, got None"):
        MessagingServices(
            stack, "Shop", services=SERVICES, certificate=_certificate(stack), compliance=Compliance.REGULATED
        )
