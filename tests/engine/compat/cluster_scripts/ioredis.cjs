// The same by ioredis: node ioredis.cjs PORT CA_FILE; prints JSON.
const { readFileSync } = require("node:fs");
const Redis = require("ioredis");

const [port, caFile] = process.argv.slice(2);
const redisOptions = { password: "secret", tls: { ca: readFileSync(caFile), servername: "localhost" } };
const options = { redisOptions, dnsLookup: (address, callback) => callback(null, address) };
const nodes = [{ host: "localhost", port: Number(port) }];
const client = new Redis.Cluster(nodes, options);
const numbers = [...Array(100).keys()];
const received = (listener, event) => new Promise((done) => listener.once(event, (...words) => done(words[1])));

async function main() {
  const found = [];
  await new Promise((done) => client.once("ready", done));
  const each = (order) => Promise.all(client.nodes("master").map((node) => order(node)));
  found.push((await each((node) => node.flushall())).every((reply) => reply === "OK") ? "flushed" : "");
  found.push((await Promise.all(numbers.map((n) => client.set(`k${n}`, n)))).filter((reply) => reply === "OK").length);
  found.push((await Promise.all(numbers.map((n) => client.get(`k${n}`)))).reduce((sum, value) => sum + Number(value), 0));
  await client.mset("{t}a", "1", "{t}b", "2");
  found.push(await client.mget("{t}a", "{t}b", "{t}c"));
  found.push((await Promise.all(numbers.map((n) => client.incr(`k${n}`)))).reduce((sum, value) => sum + value, 0));
  found.push(await client.eval("return {KEYS[1], redis.call('INCRBY', KEYS[1], ARGV[1])}", 1, "{t}a", 41));
  await client.hset("h", "f", "v", "g", "w");
  found.push(Object.entries(await client.hgetall("h")).sort());
  await client.rpush("l", "a", "b", "c");
  found.push(await client.lrange("l", 0, -1));
  await client.zadd("z", 1.5, "m", 2.5, "n");
  const scored = await client.zrange("z", 0, -1, "WITHSCORES");
  found.push([[scored[0], Number(scored[1])], [scored[2], Number(scored[3])]]);
  found.push(await client.xadd("x", "1-1", "f", "v"));
  found.push(await client.lpush("h", "v").catch((error) => error.message.replace(/^WRONGTYPE /, "")));
  found.push((await each((node) => node.dbsize())).reduce((sum, value) => sum + value, 0));
  const keys = new Set();
  for (const node of client.nodes("master")) {
    for await (const some of node.scanStream({ count: 50 })) some.forEach((key) => keys.add(key));
  }
  found.push(keys.size);
  found.push(await client.cluster("KEYSLOT", "user:{1000}"));
  found.push([client.nodes("master").length, client.nodes("slave").length]);
  const listener = new Redis.Cluster(nodes, options);
  await listener.subscribe("news");
  let message = received(listener, "message");
  await client.publish("news", "hello");
  found.push(await message);
  listener.disconnect();
  const sharded = new Redis.Cluster(nodes, { ...options, shardedSubscribers: true });
  await new Promise((done) => sharded.once("ready", done));
  await sharded.ssubscribe("{t}news");
  message = received(sharded, "smessage");
  await client.spublish("{t}news", "shard");
  found.push(await message);
  sharded.disconnect();
  client.disconnect();
  process.stdout.write(JSON.stringify(found));
  process.exit(0);
}

main();
