// What memjs, which speaks the binary protocol, does with the servers of its first argument; prints a JSON object.
"use strict";
const memjs = require("memjs");

async function main() {
  const client = memjs.Client.create(process.argv[2], { retries: 1, timeout: 10 });
  const text = ({ value }) => (value === null ? null : value.toString());
  const found = {};
  found.set = await client.set("greeting", "hello", { expires: 60 });
  found.get = text(await client.get("greeting"));
  found.missing = text(await client.get("missing"));
  found.add = await client.add("greeting", "other", {});
  found.replace = await client.replace("greeting", "hi", {});
  found.append = await client.append("greeting", " there");
  found.joined = text(await client.get("greeting"));
  found.counted = (await client.increment("counter", 5, { initial: 10 })).value;
  found.counted_again = (await client.increment("counter", 5, { initial: 10 })).value;
  found.down = (await client.decrement("counter", 3, { initial: 0 })).value;
  found.touch = await client.touch("greeting", 100);
  found.delete = await client.delete("greeting");
  found.gone = text(await client.get("greeting"));
  const large = Buffer.alloc(600000, "x");
  await client.set("large", large, {});
  found.large = (await client.get("large")).value.equals(large);
  for (let number = 0; number < 50; number += 1) await client.set(`key${number}`, String(number), {});
  found.spread = [];
  for (let number = 0; number < 50; number += 1) found.spread.push(text(await client.get(`key${number}`)));
  found.servers = await new Promise((resolve) => {
    const versions = [];
    client.stats((error, server, stats) => {
      versions.push(stats.version);
      if (versions.length === process.argv[2].split(",").length) resolve(versions);
    });
  });
  client.close();
  console.log(JSON.stringify(found));
}

main().catch((error) => { console.error(error); process.exit(1); });
