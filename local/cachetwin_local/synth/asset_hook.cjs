// Loaded by the Node of a CDK app (NODE_OPTIONS=--require): writes down what each asset was staged from, a JSON object a
// line, into the file that CACHETWIN_ASSETS names. The cloud assembly holds the staged copies only.
"use strict";
const fs = require("fs");
const Module = require("module");

const record = process.env.CACHETWIN_ASSETS;
const load = Module._load;
const wrapped = new WeakSet();

function construct(target, args, newTarget) {
  const asset = Reflect.construct(target, args, newTarget);
  const line = { source: asset.sourcePath, staged: asset.absoluteStagedPath, bundled: Boolean(args[2] && args[2].bundling) };
  try {
    fs.appendFileSync(record, JSON.stringify(line) + "\n");
  } catch (error) {
    // the app goes before its record
  }
  return asset;
}

if (record) {
  Module._load = function (request, ...others) {
    const exported = load.call(this, request, ...others);
    const isStaging = /(^|[\\/])asset-staging(\.js)?$/.test(request) && typeof exported.AssetStaging === "function";
    if (isStaging && !wrapped.has(exported)) {
      wrapped.add(exported);
      exported.AssetStaging = new Proxy(exported.AssetStaging, { construct });
    }
    return exported;
  };
}
