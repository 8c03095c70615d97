"""Node types and engine versions that ElastiCache offered in November 2026.

Source: cfn-lint's copies of the service's lists (node types of all regions, versions of cache clusters), and the user
guide for node types of previous generations. What is newer than these lists is accepted with a warning: see
``is_newer_node_type`` and ``is_newer_version``.
"""

from constructs import IConstruct

from cachetwin_cdk.checks._validate import WarningId, refuse, warn

_SMALL = ("micro", "small", "medium")
_TO_16 = ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge")
_SIZES: dict[str, tuple[str, ...]] = {
    "c1": ("xlarge",),
    "c7gn": _TO_16,
    "c8gn": _TO_16,
    "m1": ("small", "medium", "large", "xlarge"),
    "m2": ("xlarge", "2xlarge", "4xlarge"),
    "m3": ("medium", "large", "xlarge", "2xlarge"),
    "m4": ("large", "xlarge", "2xlarge", "4xlarge", "10xlarge"),
    "m5": ("large", "xlarge", "2xlarge", "4xlarge", "12xlarge", "24xlarge"),
    "m6g": _TO_16,
    "m7g": _TO_16,
    "m8g": _TO_16,
    "r3": ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge"),
    "r4": ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "16xlarge"),
    "r5": ("large", "xlarge", "2xlarge", "4xlarge", "12xlarge", "24xlarge"),
    "r6g": _TO_16,
    "r6gd": _TO_16[1:],
    "r7g": _TO_16,
    "r8g": _TO_16,
    "t1": ("micro",),
    "t2": _SMALL,
    "t3": _SMALL,
    "t4g": _SMALL,
}
_VERSIONS = {
    "valkey": ("7.2", "8.0", "8.1", "8.2", "9.0", "9.1"),
    "redis": ("6.0", "6.2", "6.x", "7.0", "7.1"),
    "memcached": (
        "1.4.5", "1.4.14", "1.4.24", "1.4.33", "1.4.34", "1.5.10", "1.5.16", "1.6.6", "1.6.12", "1.6.17", "1.6.22",
    ),
}  # fmt: skip
_MAJOR_VERSIONS = {"valkey": ("7", "8", "9"), "redis": ("7",), "memcached": ("1.6",)}


def require_node_type(name: str, family: str, size: str) -> None:
    """Raise ValidationError for a size that a known family does not have and that is not larger than its largest."""
    sizes = _SIZES.get(family, ())
    if sizes and size not in sizes and not is_newer_node_type(family, size):
        refuse("node_type", f"be a size of family {family}, which are {', '.join(sizes)}", name, "choose one of those")


def is_newer_node_type(family: str, size: str) -> bool:
    """Whether a node type may be newer than the list: of another family, or larger than the largest of its family."""
    sizes = _SIZES.get(family)
    return sizes is None or _rank(size) > _rank(sizes[-1])


def _rank(size: str) -> int:
    """Sizes in their order: ``2xlarge`` is twice ``xlarge``; a size of another kind, such as metal, is the largest."""
    if size in {*_SMALL, "large", "xlarge"}:
        return [*_SMALL, "large", "xlarge"].index(size) - 4
    multiple = size.removesuffix("xlarge")
    return int(multiple) if multiple.isdigit() and size.endswith("xlarge") else 1_000


def require_version(engine: str, version: str) -> None:
    """Raise ValidationError for a version below the newest known one that ElastiCache does not offer.

    Redis before 6.0 is not checked: some of its versions exist only for caches that run already.
    """
    versions = _VERSIONS[engine]
    if version in versions or is_newer_version(engine, version) or (engine == "redis" and version < "6"):
        return
    refuse(
        "version", f"be one that ElastiCache offers of {engine}, which are {', '.join(versions)}", version, "choose one"
    )


def is_newer_version(engine: str, version: str) -> bool:
    """Whether a version is newer than the newest of the list."""
    return version not in _VERSIONS[engine] and _numbers(version) > _numbers(_VERSIONS[engine][-1])


def require_major_version(engine: str, version: str) -> None:
    """Raise ValidationError for a major version that serverless caches do not have."""
    versions = _MAJOR_VERSIONS[engine]
    if version not in versions and _numbers(version) < _numbers(versions[-1]):
        refuse(
            "major_version", f"be one of serverless {engine}, which are {', '.join(versions)}", version, "choose one"
        )


def is_newer_major_version(engine: str, version: str) -> bool:
    """Whether a major version is newer than the newest of the list."""
    return _numbers(version) > _numbers(_MAJOR_VERSIONS[engine][-1])


def newest_of_major(engine: str, major_version: str) -> str | None:
    """The newest known version of a major version, or None where none is known."""
    return next((one for one in reversed(_VERSIONS[engine]) if one.startswith(f"{major_version}.")), None)


def warn_newer_version(scope: IConstruct, version: object) -> None:
    """Warn of an engine version that this library does not know yet."""
    warn(
        scope,
        WarningId.ENGINE_VERSION_UNCONFIRMED,
        f"{version} is newer than the versions that this library knows; check that 'aws elasticache "
        "describe-cache-engine-versions' lists it, then acknowledge this warning",
    )


def warn_newer_node_type(scope: IConstruct, node_type: object) -> None:
    """Warn of a node type that this library does not know yet."""
    warn(
        scope,
        WarningId.NODE_TYPE_UNCONFIRMED,
        f"node_type {node_type} is not among those that this library knows; check that your region offers it, then "
        "acknowledge this warning",
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
