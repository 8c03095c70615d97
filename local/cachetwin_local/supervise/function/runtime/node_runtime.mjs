// Runs the handler of a Node.js function: asks the Runtime API for events and answers with the handler's results.
//
// node node_runtime.mjs TASK_ROOT HANDLER

import { existsSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { format } from "node:util";
import { pathToFileURL } from "node:url";

const [taskRoot, handlerName] = process.argv.slice(2);
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const base = "/2018-06-01/runtime";
const json = process.env.AWS_LAMBDA_LOG_FORMAT === "JSON";
const levels = { TRACE: 0, DEBUG: 1, INFO: 2, WARN: 3, ERROR: 4, FATAL: 5 };
const least = levels[process.env.AWS_LAMBDA_LOG_LEVEL ?? "INFO"] ?? 2;
let requestId = "";

function request(method, where, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const options = { host, port, agent, method, path: base + where, headers };
    if (body !== undefined) options.headers = { ...headers, "Content-Length": Buffer.byteLength(body) };
    const sent = http.request(options, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(parts).toString("utf8") }));
      response.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

function describe(error) {
  if (error instanceof Error) {
    const trace = (error.stack ?? "").split("\n");
    return { errorType: error.name, errorMessage: error.message, trace };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}

function write(level, words) {
  if (levels[level] < least && json) return;
  const text = format(...words);
  const time = new Date().toISOString();
  const line = json
    ? JSON.stringify({ timestamp: time, level, requestId: requestId || undefined, message: text })
    : [time, requestId || "undefined", level, text].join("\t");
  process.stdout.write(line + "\n");
}

function patchConsole() {
  const names = { log: "INFO", info: "INFO", debug: "DEBUG", trace: "TRACE", warn: "WARN", error: "ERROR" };
  for (const [name, level] of Object.entries(names)) console[name] = (...words) => write(level, words);
}

function fault(type, message) {
  const error = new Error(message);
  error.name = type;
  return error;
}

async function load() {
  const at = handlerName.lastIndexOf("/") + 1;
  const dot = handlerName.indexOf(".", at);
  if (dot < 0) throw fault("Runtime.MalformedHandlerName", `Bad handler '${handlerName}'`);
  const file = path.resolve(taskRoot, handlerName.slice(0, dot));
  const found = ["", ".js", ".mjs", ".cjs", ".ts", ".mts"].map((end) => file + end).find((one) => one !== file && existsSync(one));
  if (found === undefined) throw fault("Runtime.ImportModuleError", `Error: Cannot find module '${path.basename(file)}'`);
  let module;
  try {
    module = found.endsWith(".cjs") ? createRequire(found)(found) : await import(pathToFileURL(found));
  } catch (error) {
    if (error instanceof SyntaxError) throw fault("Runtime.UserCodeSyntaxError", String(error));
    throw error;
  }
  const names = handlerName.slice(dot + 1).split(".");
  const pick = (from) => names.reduce((value, name) => value?.[name], from);
  const handler = pick(module) ?? pick(module.default);
  if (handler === undefined) throw fault("Runtime.HandlerNotFound", `${handlerName} is undefined or not exported`);
  if (typeof handler !== "function") throw fault("Runtime.HandlerNotFound", `${handlerName} is not a function`);
  return handler;
}

function contextOf(headers) {
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  const parsed = (name) => (headers[name] ? JSON.parse(headers[name]) : undefined);
  return {
    awsRequestId: requestId,
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parsed("lambda-runtime-client-context"),
    identity: parsed("lambda-runtime-cognito-identity"),
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

function call(handler, event, context) {
  return new Promise((resolve, reject) => {
    const callback = (error, result) => (error ? reject(error) : resolve(result));
    const result = handler(event, context, callback);
    if (result && typeof result.then === "function") result.then(resolve, reject);
    else if (handler.length < 3) resolve(result);
  });
}

async function report(where, error) {
  const described = describe(error);
  write("ERROR", ["Invoke Error", JSON.stringify({ errorType: described.errorType, errorMessage: described.errorMessage, stack: described.trace })]);
  const headers = { "Content-Type": "application/json", "Lambda-Runtime-Function-Error-Type": described.errorType };
  await request("POST", where, JSON.stringify(described), headers);
}

async function serve(handler) {
  for (;;) {
    const { headers, body } = await request("GET", "/invocation/next");
    requestId = headers["lambda-runtime-aws-request-id"];
    process.env._X_AMZN_TRACE_ID = headers["lambda-runtime-trace-id"] ?? "";
    try {
      const result = await call(handler, JSON.parse(body), contextOf(headers));
      const text = JSON.stringify(result === undefined ? null : result);
      await request("POST", `/invocation/${requestId}/response`, text ?? "null", { "Content-Type": "application/json" });
    } catch (error) {
      await report(`/invocation/${requestId}/error`, error);
    }
  }
}

async function crash(error) {
  if (requestId) await report(`/invocation/${requestId}/error`, error);
  process.exit(129);
}

patchConsole();
process.on("uncaughtException", crash);
process.on("unhandledRejection", (reason) => crash(fault("Runtime.UnhandledPromiseRejection", String(reason?.stack ?? reason))));
let loaded;
try {
  loaded = await load();
} catch (error) {
  await report("/init/error", error);
  process.exit(1);
}
await serve(loaded);
