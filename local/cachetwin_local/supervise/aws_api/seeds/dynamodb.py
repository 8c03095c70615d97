"""DynamoDB tables, global ones too: every replica is this table."""

from typing import Any, Final

from cachetwin_local.supervise.aws_api.settings import Seed

from .seeder import Api, Seeder, chosen

__all__ = ["GLOBAL_TABLE", "TABLE"]

_SAME: Final = ("AttributeDefinitions", "KeySchema", "LocalSecondaryIndexes", "ProvisionedThroughput")
_INDEX: Final = ("IndexName", "KeySchema", "Projection", "ProvisionedThroughput")


def _create(api: Api, seed: Seed) -> None:
    given = seed.properties
    parameters = {**chosen(given, _SAME), "TableName": seed.name}
    indexes = [chosen(index, _INDEX) for index in given.get("GlobalSecondaryIndexes") or []]
    if indexes:
        parameters["GlobalSecondaryIndexes"] = indexes
    if "ProvisionedThroughput" not in given:
        parameters["BillingMode"] = "PAY_PER_REQUEST"
    stream = given.get("StreamSpecification")
    if stream:
        parameters["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": stream["StreamViewType"]}
    api.call("dynamodb", "CreateTable", seed, **_with_numbers(parameters))
    label = str(seed.attributes.get("StreamArn", "")).partition("/stream/")[2]
    if stream and label:
        api.backend("dynamodb", seed).tables[seed.name].latest_stream_label = label
    _expire(api, seed)


def _expire(api: Api, seed: Seed) -> None:
    time_to_live = seed.properties.get("TimeToLiveSpecification")
    if time_to_live and time_to_live.get("AttributeName"):
        specification = {"AttributeName": time_to_live["AttributeName"], "Enabled": _truth(time_to_live.get("Enabled"))}
        api.call("dynamodb", "UpdateTimeToLive", seed, TableName=seed.name, TimeToLiveSpecification=specification)


def _delete(api: Api, seed: Seed) -> None:
    api.call("dynamodb", "DeleteTable", seed, TableName=seed.name)


def _truth(value: Any) -> bool:  # noqa: ANN401  (a template's JSON)
    return value in (True, "true", None)


def _with_numbers(value: Any, name: str = "") -> Any:  # noqa: ANN401  (JSON)
    """Templates may write numbers as strings; the service does not take them so."""
    if isinstance(value, dict):
        return {key: _with_numbers(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_numbers(inner) for inner in value]
    return int(value) if name.endswith("CapacityUnits") else value


TABLE: Final = Seeder(_create, _delete)
GLOBAL_TABLE: Final = Seeder(_create, _delete)
