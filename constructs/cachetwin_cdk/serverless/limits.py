"""Usage limits of a serverless cache."""

from dataclasses import dataclass
from typing import Any

from aws_cdk import aws_elasticache as elasticache

from cachetwin_cdk.checks._types import checked_arguments
from cachetwin_cdk.checks._validate import known, refuse, require_between

_DATA_STORAGE_GB = (1, 5_000)
_ECPU_PER_SECOND = (1_000, 15_000_000)


@checked_arguments
@dataclass(frozen=True)
class UsageLimits:
    """What a serverless cache may use at most, and what it keeps ready at least.

    Args:
        data_storage_gb_min: Storage that is always ready and paid for, in GB. By default storage grows from
            nothing.
        data_storage_gb_max: Storage at which keys are evicted or writes fail, in GB. By default the quota of the
            service.
        ecpu_per_second_min: Processing units per second that are always ready and paid for. By default capacity
            grows with the load.
        ecpu_per_second_max: Processing units per second at which commands are throttled. By default the quota of
            the service.
    """

    data_storage_gb_min: int | None = None
    data_storage_gb_max: int | None = None
    ecpu_per_second_min: int | None = None
    ecpu_per_second_max: int | None = None

    def validate(self) -> None:
        """Raise ValidationError for limits outside of the ranges of the service, and for a minimum above its maximum."""
        for name, low, high, (least, most) in (
            ("data_storage_gb", self.data_storage_gb_min, self.data_storage_gb_max, _DATA_STORAGE_GB),
            ("ecpu_per_second", self.ecpu_per_second_min, self.ecpu_per_second_max, _ECPU_PER_SECOND),
        ):
            require_between(f"{name}_min", low, least, most)
            require_between(f"{name}_max", high, least, most)
            if low is not None and high is not None and known(low, high) and low > high:
                refuse(f"{name}_min", f"be at most {name}_max, {high}", low, "lower one or raise the other")

    def render(self) -> elasticache.CfnServerlessCache.CacheUsageLimitsProperty | None:
        """The property of CfnServerlessCache, or None without any limit."""
        group: Any = elasticache.CfnServerlessCache
        storage, rate = (
            group.DataStorageProperty(unit="GB", minimum=self.data_storage_gb_min, maximum=self.data_storage_gb_max),
            group.ECPUPerSecondProperty(minimum=self.ecpu_per_second_min, maximum=self.ecpu_per_second_max),
        )
        has_storage = self.data_storage_gb_min is not None or self.data_storage_gb_max is not None
        has_rate = self.ecpu_per_second_min is not None or self.ecpu_per_second_max is not None
        if not has_storage and not has_rate:
            return None
        return elasticache.CfnServerlessCache.CacheUsageLimitsProperty(
            data_storage=storage if has_storage else None, ecpu_per_second=rate if has_rate else None
        )
