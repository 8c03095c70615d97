// Loaded first by a Node.js program where NODE_OPTIONS names it: a debugger may attach from then on.
// A package manager leaves the port to the program that it starts; that program's own children get none.
"use strict";

const { basename } = require("node:path");
const { isMainThread } = require("node:worker_threads");

const starters = /^(npm|npx|yarn|pnpm|pnpx|corepack|nodemon)(-cli)?(\.[cm]?js)?$/;
const port = process.env.CACHETWIN_DEBUG_PORT;

if (port && isMainThread && !starters.test(basename(process.argv[1] ?? ""))) {
  delete process.env.CACHETWIN_DEBUG_PORT;
  try {
    require("node:inspector").open(Number(port), "127.0.0.1");
  } catch (error) {
    process.stderr.write(`[cachetwin] no debugger at 127.0.0.1:${port}: ${error.message}\n`);
  }
}
