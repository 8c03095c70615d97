"""An event source mapping as a value, and what every kind of source shares."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cachetwin_local.supervise.aws_api.events.patterns import is_match
from cachetwin_local.supervise.aws_api.settings import Seed

__all__ = ["BATCH_BYTES_MAX", "SourceMapping", "failed_items", "mapping_of", "passes"]

BATCH_BYTES_MAX: Final = 6_000_000  # Lambda's limit of a synchronous payload, and room for the rest of the event


@dataclass(frozen=True, slots=True)
class SourceMapping:
    """One mapping: which function gets batches of which source, and how. Times end in `_s`.

    `retries_max` and `age_max_s` are -1 for no limit. `concurrency_max` is None where the template sets none.
    """

    key: str
    function: str
    source: str
    batch_size: int
    window_s: float
    concurrency_max: int | None
    reports_failures: bool
    filters: tuple[Mapping[str, Any], ...]
    from_start: bool
    retries_max: int
    age_max_s: int
    bisects: bool
    on_failure: str


def mapping_of(seed: Seed) -> SourceMapping | None:
    """The mapping that a template defines; None for one that is not enabled."""
    given = seed.properties
    if given.get("Enabled") in (False, "false"):
        return None
    source = str(given["EventSourceArn"])
    default_size = 10 if source.split(":")[2] == "sqs" else 100
    scaling = given.get("ScalingConfig") or {}
    criteria = (given.get("FilterCriteria") or {}).get("Filters") or []
    destination = ((given.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    return SourceMapping(
        key=seed.key,
        function=str(given["FunctionName"]),
        source=source,
        batch_size=int(given.get("BatchSize", default_size)),
        window_s=float(given.get("MaximumBatchingWindowInSeconds", 0)),
        concurrency_max=int(scaling["MaximumConcurrency"]) if scaling.get("MaximumConcurrency") is not None else None,
        reports_failures="ReportBatchItemFailures" in (given.get("FunctionResponseTypes") or []),
        filters=tuple(json.loads(one["Pattern"]) for one in criteria if one.get("Pattern")),
        from_start=given.get("StartingPosition") != "LATEST",
        retries_max=int(given.get("MaximumRetryAttempts", -1)),
        age_max_s=int(given.get("MaximumRecordAgeInSeconds", -1)),
        bisects=given.get("BisectBatchOnFunctionError") in (True, "true"),
        on_failure=str(destination or ""),
    )


def passes(filters: tuple[Mapping[str, Any], ...], record: Mapping[str, Any]) -> bool:
    """Whether a record is one for the function. A pattern may look into a body that is JSON."""
    return not filters or any(_passes(pattern, record) for pattern in filters)


def _passes(pattern: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    if isinstance(pattern.get("body"), dict):
        try:
            record = {**record, "body": json.loads(record["body"])}
        except (KeyError, TypeError, ValueError):
            return False
    return is_match(pattern, record)


def failed_items(payload: bytes) -> frozenset[str] | None:
    """The items that a function reports as failed; None where its report means that all of them failed.

    Source: "Reporting batch item failures", Lambda developer guide.
    """
    try:
        answer = json.loads(payload or b"null")
    except ValueError:
        return None
    if answer is None or answer == {}:
        return frozenset()
    items = answer.get("batchItemFailures") if isinstance(answer, dict) else None
    if not isinstance(answer, dict):
        return None
    if items is None:
        return frozenset()
    if not isinstance(items, list):
        return None
    found = [one.get("itemIdentifier") if isinstance(one, dict) else None for one in items]
    if not all(isinstance(one, str) and one for one in found):
        return None
    return frozenset(str(one) for one in found)
