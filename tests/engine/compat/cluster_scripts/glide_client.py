"""The same by valkey-glide: ``glide_client.py PORT CA_FILE``; prints JSON."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from glide import (
    AdvancedGlideClusterClientConfiguration,
    AllPrimaries,
    ClusterBatch,
    ClusterScanCursor,
    GlideClusterClient,
    GlideClusterClientConfiguration,
    NodeAddress,
    RangeByIndex,
    RequestError,
    ServerCredentials,
    SlotKeyRoute,
    SlotType,
    TlsAdvancedConfiguration,
)


def text(value: Any) -> Any:  # noqa: ANN401  (any reply)
    """Bytes as text, within lists and dictionaries too."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, list):
        return [text(item) for item in value]
    return {text(key): text(item) for key, item in value.items()} if isinstance(value, dict) else value


async def listen(port: int, ca: bytes, publisher: GlideClusterClient) -> list[Any]:
    modes = GlideClusterClientConfiguration.PubSubChannelModes
    subscriptions = GlideClusterClientConfiguration.PubSubSubscriptions(
        channels_and_patterns={modes.Exact: {"news"}, modes.Sharded: {"{t}news"}}, callback=None, context=None
    )
    listener = await GlideClusterClient.create(configuration(port, ca, subscriptions))
    found = []
    for message, sharded in (("hello", False), ("shard", True)):
        await publisher.publish(message, "{t}news" if sharded else "news", sharded)
        got = await asyncio.wait_for(listener.get_pubsub_message(), 20)
        found.append(text(got.message))
    await listener.close()
    return found


def configuration(
    port: int, ca: bytes, subscriptions: GlideClusterClientConfiguration.PubSubSubscriptions | None = None
) -> GlideClusterClientConfiguration:
    return GlideClusterClientConfiguration(
        [NodeAddress("localhost", port)],
        use_tls=True,
        credentials=ServerCredentials("secret"),
        request_timeout=10_000,
        pubsub_subscriptions=subscriptions,
        advanced_config=AdvancedGlideClusterClientConfiguration(
            connection_timeout=10_000, tls_config=TlsAdvancedConfiguration(root_pem_cacerts=ca)
        ),
    )


async def main() -> None:
    port, ca = int(sys.argv[1]), Path(sys.argv[2]).read_bytes()
    client = await GlideClusterClient.create(configuration(port, ca))
    found: list[Any] = ["flushed" if await client.flushall() == "OK" else ""]
    found.append([await client.set(f"k{number}", str(number)) for number in range(100)].count("OK"))
    found.append(sum([int(await client.get(f"k{number}") or 0) for number in range(100)]))
    await client.mset({"{t}a": "1", "{t}b": "2"})
    found.append(text(await client.mget(["{t}a", "{t}b", "{t}c"])))
    batch = ClusterBatch(is_atomic=False)
    for number in range(100):
        batch.incr(f"k{number}")
    found.append(sum(await client.exec(batch, raise_on_error=True) or []))
    script = "return {KEYS[1], redis.call('INCRBY', KEYS[1], ARGV[1])}"
    route = SlotKeyRoute(SlotType.PRIMARY, "{t}a")
    found.append(text(await client.custom_command(["EVAL", script, "1", "{t}a", "41"], route)))
    await client.hset("h", {"f": "v", "g": "w"})
    found.append(sorted([key, value] for key, value in text(await client.hgetall("h")).items()))
    await client.rpush("l", ["a", "b", "c"])
    found.append(text(await client.lrange("l", 0, -1)))
    await client.zadd("z", {"m": 1.5, "n": 2.5})
    found.append([list(pair) for pair in text(await client.zrange_withscores("z", RangeByIndex(0, -1))).items()])
    found.append(text(await client.custom_command(["XADD", "x", "1-1", "f", "v"])))
    try:
        await client.lpush("h", ["v"])
    except RequestError as error:
        found.append(str(error).removeprefix("WRONGTYPE: "))
    found.append(await client.dbsize(AllPrimaries()))
    cursor: Any = ClusterScanCursor()  # type: ignore[no-untyped-call]
    keys: set[str] = set()
    while not cursor.is_finished():
        cursor, some = await client.scan(cursor, count=50)
        keys |= set(text(some))
    found.append(len(keys))
    found.append(await client.custom_command(["CLUSTER", "KEYSLOT", "user:{1000}"]))
    shards = text(await client.custom_command(["CLUSTER", "SLOTS"]))
    found.append([len(shards), sum(len(shard) - 3 for shard in shards)])
    found += await listen(port, ca, client)
    await client.close()
    sys.stdout.write(f"\n{json.dumps(found)}")


asyncio.run(main())
