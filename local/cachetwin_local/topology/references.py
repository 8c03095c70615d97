"""The caches and databases whose endpoints or credentials a task definition receives.

A value may go through others before it reaches a container: a secret that a database's address was attached to, a
secret whose template names a cache, an SSM parameter. Those carriers are followed to where the value comes from.
"""

from typing import Final

from cachetwin_local.assembly.graph import Graph

CACHES: Final = frozenset(
    {"AWS::ElastiCache::CacheCluster", "AWS::ElastiCache::ReplicationGroup", "AWS::ElastiCache::ServerlessCache"}
)
DATABASES: Final = frozenset({"AWS::RDS::DBCluster", "AWS::RDS::DBInstance"})
SECRET: Final = "AWS::SecretsManager::Secret"  # noqa: S105  (a CloudFormation type)
ATTACHMENT: Final = "AWS::SecretsManager::SecretTargetAttachment"
CARRIERS: Final = frozenset({SECRET, ATTACHMENT, "AWS::SSM::Parameter"})
ENDPOINT_ATTRIBUTES: Final = (
    "PrimaryEndPoint.",
    "ReaderEndPoint.",
    "ReadEndPoint.",
    "ConfigurationEndPoint.",
    "ConfigurationEndpoint.",
    "ReaderEndpoint.",
    "RedisEndpoint.",
    "Endpoint.",
    "ReadEndpoint.",
)


def dependencies_of(graph: Graph, task_definition: str) -> set[str]:
    """The keys of the caches and databases whose endpoints or credentials the containers receive."""
    references = graph.resolved(task_definition).references
    wanted = [(r.target, r.attribute) for r in references if r.path[:1] == ("ContainerDefinitions",)]
    return sources(graph, wanted)


def sources(graph: Graph, wanted: list[tuple[str, str]]) -> set[str]:
    """The caches and databases that these (key, attribute) pairs lead to."""
    found: set[str] = set()
    seen: set[str] = set()
    while wanted:
        key, attribute = wanted.pop()
        kind = graph.resource(key).type
        if kind in CACHES or kind in DATABASES:
            if attribute.startswith((*ENDPOINT_ATTRIBUTES, "MasterUserSecret.")):
                found.add(key)
        elif kind in CARRIERS and key not in seen:
            seen.add(key)
            wanted.extend((r.target, r.attribute) for r in graph.resolved(key).references if kind != ATTACHMENT)
            if kind == ATTACHMENT:
                wanted.extend(_attached(graph, key))
            if kind == SECRET:
                found.update(_targets_of(graph, key))
    return found


def _attached(graph: Graph, attachment: str) -> list[tuple[str, str]]:
    """The secret and the target of an attachment, as if the reference named them directly."""
    references = graph.resolved(attachment).references
    return [(r.target, "Endpoint." if graph.resource(r.target).type in DATABASES else r.attribute) for r in references]


def _targets_of(graph: Graph, secret: str) -> set[str]:
    """The databases that attachments write into a secret."""
    found: set[str] = set()
    for attachment in graph.readable(ATTACHMENT):
        references = attachment.references
        if any(r.path == ("SecretId",) and r.target == secret for r in references):
            found.update(r.target for r in references if graph.resource(r.target).type in DATABASES)
    return found
