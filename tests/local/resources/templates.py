"""Templates of a few resources, and what the plan says of them."""

from collections.abc import Collection

from cachetwin_local.assembly.template import Assembly, DockerAsset, Json, Resource, Stack
from cachetwin_local.plan.choice import Choice
from cachetwin_local.plan.planner import plan
from cachetwin_local.settings import Settings
from cachetwin_local.topology.values import Topology

IMAGE = DockerAsset("f" * 64, "asset.web", "Dockerfile", None, {}, "f" * 64)
CACHE = {
    "ReplicationGroupDescription": "test",
    "Engine": "valkey",
    "EngineVersion": "8.1",
    "CacheNodeType": "cache.t4g.small",
    "TransitEncryptionEnabled": True,
}
DATABASE = {"Engine": "postgres", "MasterUsername": "app", "MasterUserPassword": "x", "DBInstanceClass": "db.t4g.micro"}


def one(type_name: str, **properties: Json) -> Json:
    return {"Type": f"AWS::{type_name}", "Properties": properties}


def plan_of(
    parameters: dict[str, str] | None = None,
    settings: Settings | None = None,
    choice: Choice | None = None,
    servers: Collection[str] = ("postgres",),
    **resources: Json,
) -> Topology:
    made = {
        name: Resource(
            "App", name, value["Type"], value.get("Properties", {}), name, None, (), None, value.get("Policies", {})
        )
        for name, value in resources.items()
    }
    stack = Stack("App", "App", "us-east-1", "000000000000", (), made)
    assembly = Assembly({"App": stack}, {IMAGE.asset_hash: IMAGE}, {})
    return plan(
        assembly,
        project="test",
        parameters=parameters,
        settings=settings,
        choice=choice,
        database_servers=frozenset(servers),
    )


def cache(**properties: Json) -> Topology:
    return plan_of(Cache=one("ElastiCache::ReplicationGroup", **{**CACHE, **properties}))


def messages(topology: Topology) -> list[str]:
    return [problem.message for problem in topology.problems]


def unreadable(topology: Topology) -> dict[str, str]:
    """The reasons why resources cannot be read, by logical id."""
    return {c.identity.logical_id: c.note for c in topology.coverage if c.status == "not readable"}


def status(topology: Topology, logical_id: str) -> tuple[str, str]:
    return next((c.status, c.note) for c in topology.coverage if c.identity.logical_id == logical_id)
