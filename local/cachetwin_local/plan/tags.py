"""The tags of caches and their users, which conditions of policies may ask for."""

from typing import Final

from cachetwin_local.resources.context import Context
from cachetwin_local.resources.properties import Properties

__all__ = ["tags_of"]

_TAGGED: Final = ("AWS::ElastiCache::ReplicationGroup", "AWS::ElastiCache::ServerlessCache", "AWS::ElastiCache::User")


def tags_of(context: Context) -> dict[str, dict[str, str]]:
    """The tags, by ARN."""
    found: dict[str, dict[str, str]] = {}
    for resolved in context.graph.readable(*_TAGGED):
        tags = Properties.of(resolved).objects("Tags")
        arn = context.graph.described(resolved.resource.key).arn
        if tags and arn:
            found[arn] = {tag.string("Key"): tag.string("Value", "") for tag in tags}
    return found
