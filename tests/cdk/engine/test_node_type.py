"""Node types, and what their names say."""

import pytest

from cachetwin_cdk import NodeType, ValidationError


@pytest.mark.parametrize(
    ("node_type", "family", "size", "graviton", "ssd", "previous"),
    [
        (NodeType.T4G_SMALL, "t4g", "small", True, False, False),
        (NodeType.T3_MICRO, "t3", "micro", False, False, False),
        (NodeType.M7G_2XLARGE, "m7g", "2xlarge", True, False, False),
        (NodeType.R6GD_XLARGE, "r6gd", "xlarge", True, True, False),
        (NodeType.C7GN_LARGE, "c7gn", "large", True, False, False),
        (NodeType.of("cache.r8gd.16xlarge"), "r8gd", "16xlarge", True, True, False),
        (NodeType.of("cache.m3.large"), "m3", "large", False, False, True),
    ],
)
def test_the_name_tells_what_the_node_is(  # noqa: PLR0917  (one column per fact)
    node_type: NodeType,
    family: str,
    size: str,
    graviton: bool,  # noqa: FBT001  (values under test)
    ssd: bool,  # noqa: FBT001  (values under test)
    previous: bool,  # noqa: FBT001  (values under test)
) -> None:
    assert (node_type.family, node_type.size) == (family, size)
    assert (node_type.is_graviton, node_type.has_ssd) == (graviton, ssd)
    assert node_type.is_previous_generation is previous


@pytest.mark.parametrize(
    ("name", "vcpus"),
    [
        ("cache.t4g.micro", 2), ("cache.t3.medium", 2), ("cache.m7g.large", 2), ("cache.r6gd.xlarge", 4),
        ("cache.c7gn.16xlarge", 64), ("cache.m5.24xlarge", 96), ("cache.t2.small", 1), ("cache.t2.medium", 2),
        ("cache.m1.large", 2), ("cache.m1.medium", 1), ("cache.m2.4xlarge", 8), ("cache.c1.xlarge", 8),
        ("cache.x9.metal", None),
    ],
)  # fmt: skip
def test_the_name_tells_how_many_processors_the_host_has(name: str, vcpus: int | None) -> None:
    assert NodeType.of(name).vcpus == vcpus


@pytest.mark.parametrize("name", ["m7g.large", "cache.m7g", "cache.M7G.large", "db.m7g.large", ""])
def test_a_malformed_name_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match=r"node_type must be written cache.<family>.<size>"):
        NodeType.of(name)


def test_a_token_passes_and_says_nothing(any_text: str) -> None:
    node_type = NodeType.of(any_text)
    assert (node_type.family, node_type.size, node_type.is_graviton) == ("", "", False)
