"""The function that measures the queues every minute, and the user with which it logs in to the cache."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from cachetwin_cdk.access.access_string import AccessString
from cachetwin_cdk.access.users import IamUser
from cachetwin_cdk.engine.engine_version import Engine
from cachetwin_cdk.patterns._cache import Cache, UserPlace, iam_environment
from cachetwin_cdk.patterns._findings import METER, OWN_POLICY, acknowledge
from cachetwin_cdk.patterns._function import private_function
from cachetwin_cdk.patterns._logs import LogSettings

from .streams import dead_letter_key, stream_key

METRIC_NAMESPACE: Final = "Cachetwin/Messaging"
_CODE = Path(__file__).parents[1] / "queue_meter"


def create_meter_user(place: UserPlace, queues: Sequence[str], engine: Engine) -> IamUser:
    """A user that can read the length and the first entry of the queues' streams, and nothing else."""
    keys = [key for queue in queues for key in (stream_key(queue), dead_letter_key(queue))]
    return IamUser(
        place.scope,
        place.construct_id("MeterUser"),
        access_string=AccessString.on().read_keys(*keys).commands("xlen", "xrange"),
        engine=engine,
    )


def create_meter(
    scope: Construct,
    *,
    cache: Cache,
    user: IamUser,
    queues: Sequence[str],
    vpc: ec2.IVpc,
    log_settings: LogSettings,
    regulated: bool,
) -> lambda_.Function:
    """The function, its access to the cache, and the rule that calls it every minute."""
    meter = private_function(
        scope,
        "Meter",
        code=lambda_.Code.from_asset(str(_CODE), exclude=["__pycache__"]),
        handler="meter.handle",
        runtime=lambda_.Runtime.PYTHON_3_13,
        vpc=vpc,
        environment={
            **iam_environment(cache, user),
            "METRIC_NAMESPACE": METRIC_NAMESPACE,
            "QUEUES": json.dumps({queue: [stream_key(queue), dead_letter_key(queue)] for queue in queues}),
        },
        memory_size_mib=256,
        timeout=cdk.Duration.seconds(30),
        logging_format=lambda_.LoggingFormat.TEXT,  # JSON would wrap the lines of the embedded metric format
        log_settings=log_settings,
    )
    if regulated and meter.role is not None:
        acknowledge(meter.role, OWN_POLICY)
        acknowledge(meter, METER)
    cache.grant_connect(meter, user)
    meter.connections.allow_to_default_port(cache, "The meter asks how long the queues are")
    events.Rule(
        scope,
        "MeterSchedule",
        description=f"Measures the queues of {scope.node.path}",
        schedule=events.Schedule.rate(cdk.Duration.minutes(1)),
        # A failed measurement is not repeated: the next one follows in a minute.
        targets=[targets.LambdaFunction(meter, retry_attempts=0, max_event_age=cdk.Duration.minutes(1))],
    )
    return meter
