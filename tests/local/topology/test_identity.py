"""The names of a resource."""

import pytest

from cachetwin_local.topology.identity import Identity


@pytest.mark.parametrize("path", ["Shop/Web/Cache", "Shop/Web/Cache/Resource", "Shop/Web/Cache/Service"])
def test_a_resource_is_called_by_its_logical_id_or_the_path_of_its_construct(path: str) -> None:
    identity = Identity("Shop", "WebCache1A2B", "AWS::ElastiCache::ReplicationGroup", path, "web-cache", "arn")
    assert identity.names == {"Shop/WebCache1A2B", "WebCache1A2B", "Shop/Web/Cache", "Web/Cache", "Cache"}


def test_without_a_construct_the_path_is_the_logical_id() -> None:
    identity = Identity("Shop", "Cache", "AWS::ElastiCache::ReplicationGroup", "Cache", "cache", "arn")
    assert identity.names == {"Shop/Cache", "Cache"}
