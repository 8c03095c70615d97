"""What an application does with a cluster, by redis-py or valkey-py: ``redis_py.py MODULE PORT CA_FILE``; prints JSON."""

import importlib
import json
import sys
import time
from typing import Any


def received(listener: Any, kind: str, *, sharded: bool = False) -> object:  # noqa: ANN401  (of either library)
    """The next message of that kind."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        message = listener.get_sharded_message(timeout=0.1) if sharded else listener.get_message(timeout=0.1)
        if message and message["type"] == kind:
            return message["data"]
    raise TimeoutError(f"no {kind} came")


def main() -> None:
    module, port, ca_file = importlib.import_module(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    cluster_class = getattr(module, "RedisCluster", None) or module.ValkeyCluster
    client = cluster_class(
        host="localhost", port=port, password="secret", decode_responses=True, ssl=True, ssl_ca_certs=ca_file,
        ssl_cert_reqs="required",
    )  # fmt: skip
    found: list[Any] = [client.flushall(target_nodes=cluster_class.PRIMARIES) and "flushed"]
    found.append([client.set(f"k{number}", number) for number in range(100)].count(True))
    found.append(sum(int(client.get(f"k{number}")) for number in range(100)))
    client.mset({"{t}a": "1", "{t}b": "2"})
    found.append(client.mget("{t}a", "{t}b", "{t}c"))
    pipeline = client.pipeline()
    for number in range(100):
        pipeline.incr(f"k{number}")
    found.append(sum(pipeline.execute()))
    found.append(client.eval("return {KEYS[1], redis.call('INCRBY', KEYS[1], ARGV[1])}", 1, "{t}a", 41))
    client.hset("h", mapping={"f": "v", "g": "w"})
    found.append(sorted(client.hgetall("h").items()))
    client.rpush("l", "a", "b", "c")
    found.append(client.lrange("l", 0, -1))
    client.zadd("z", {"m": 1.5, "n": 2.5})
    found.append([[member, score] for member, score in client.zrange("z", 0, -1, withscores=True)])
    found.append(client.xadd("x", {"f": "v"}, id="1-1"))
    try:
        client.lpush("h", "v")
    except module.exceptions.ResponseError as error:
        found.append(str(error).removeprefix("WRONGTYPE "))
    found.append(client.dbsize(target_nodes=cluster_class.PRIMARIES))
    found.append(len(set(client.scan_iter(count=50))))
    found.append(client.cluster_keyslot("user:{1000}"))
    found.append([len(client.get_primaries()), len(client.get_replicas())])
    listener = client.pubsub()
    listener.subscribe("news")
    received(listener, "subscribe")
    client.publish("news", "hello")
    found.append(received(listener, "message"))
    listener.close()
    sharded = client.pubsub()
    sharded.ssubscribe("{t}news")
    received(sharded, "ssubscribe", sharded=True)
    client.spublish("{t}news", "shard")
    found.append(received(sharded, "smessage", sharded=True))
    sharded.close()
    client.close()
    sys.stdout.write(json.dumps(found))


main()
