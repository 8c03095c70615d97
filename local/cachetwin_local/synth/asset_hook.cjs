// Loaded by the Node of a CDK app (NODE_OPTIONS=--require). Writes down what each asset was staged from, a JSON object a
// line, into the file that CACHETWIN_ASSETS names: the cloud assembly holds the staged copies only. And keeps out of an
// asset what lies in its folder and is none of it: the folders of CACHETWIN_NO_ASSET, a JSON list, which are the assembly
// itself (from_asset(".") would copy itself into itself) and the runner's secrets and data.
"use strict";
const fs = require("fs");
const Module = require("module");
const path = require("path");

const record = process.env.CACHETWIN_ASSETS;
const outside = JSON.parse(process.env.CACHETWIN_NO_ASSET || "[]");
const load = Module._load;
const wrapped = new WeakSet();

function excluded(source) {
  const inside = outside
    .map((folder) => path.relative(path.resolve(source), folder))
    .filter((relative) => relative && !path.isAbsolute(relative) && relative.split(path.sep)[0] !== "..");
  return inside.flatMap((relative) => [relative, `${relative}/**`]);
}

function withoutThem([scope, id, props, ...others]) {
  const further = props && props.sourcePath ? excluded(props.sourcePath) : [];
  return [scope, id, further.length ? { ...props, exclude: [...(props.exclude || []), ...further] } : props, ...others];
}

function construct(target, args, newTarget) {
  const asset = Reflect.construct(target, withoutThem(args), newTarget);
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
