"use strict";
// The page: it reads products through the cluster and shows which node had them. What it counts are its own answers.

const SWEEP_COUNT = 96;
const SWEEPS_SHOWN = 12;
const STATE_INTERVAL_MS = 2000;
const REPEAT_INTERVAL_MS = 1000;
const PAGE_SIZE = 24;
const byId = (id) => document.getElementById(id);
const state = {
  page: 1, product: null, shown: 0, sweeps: [], sweeping: false, repeating: false, nodes: [], counts: new Map(), answered: "",
};

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

const milliseconds = (ms) => (ms === null || ms === undefined ? "–" : `${ms < 10 ? ms.toFixed(2) : ms.toFixed(1)} ms`);
const money = (cents) => (cents / 100).toLocaleString("en", { style: "currency", currency: "EUR" });
const percent = (part, whole) => (whole ? `${Math.floor((100 * part) / whole)} %` : "–");

async function ask(path, options) {
  let response = null;
  let body = null;
  try {
    response = await fetch(path, options);
    body = await response.json();
  } catch {
    // No connection, or an answer of the load balancer, which is not JSON.
  }
  const answered = Boolean(body && !body.error);
  if (!answered) {
    const fields = Object.entries(body?.error?.fields ?? {}).map(([name, what]) => `${name} ${what}`);
    const said = body?.error ? `${response.status}: ${[body.error.message, ...fields].join("; ")}.` : "The service does not answer.";
    byId("notice").textContent = said;
  }
  byId("notice").hidden = answered;
  lamps(response);
  return answered ? body : null;
}

function lamps(response) {
  const said = new Map((response?.headers.get("X-Dependencies") ?? "").split(", ").map((pair) => pair.split("=")));
  for (const name of ["cache", "database"]) {
    const status = said.get(name) ?? "unknown";
    byId(`${name}-lamp`).dataset.status = status;
    byId(`${name}-lamp`).querySelector("strong").textContent = status;
  }
}

// Reads of many products

async function sweep() {
  if (state.sweeping) return;
  state.sweeping = true;
  byId("sweep").disabled = true;
  const body = await ask(`/api/sweep?count=${SWEEP_COUNT}`);
  state.sweeping = false;
  byId("sweep").disabled = state.repeating;
  if (!body) return;
  const nodes = Object.entries(body.nodes).map(([id, counts]) => ({ id: id || "none", ...counts }));
  const hits = nodes.reduce((sum, node) => sum + node.hits, 0);
  for (const node of nodes) count(node.id, node.hits, node.misses);
  state.sweeps.unshift({ time: new Date(), nodes, hits, reads: body.reads, version: body.version });
  state.sweeps.length = Math.min(state.sweeps.length, SWEEPS_SHOWN);
  byId("sweeps").replaceChildren(...state.sweeps.map(sweepRow));
  byId("stat-hit-rate").textContent = percent(hits, body.reads);
  const before = state.sweeps[1];
  byId("stat-before").textContent = before ? percent(before.hits, before.reads) : "–";
  byId("stat-cache").textContent = milliseconds(body.median_ms.cache);
  byId("stat-database").textContent = milliseconds(body.median_ms.database);
  byId("verdict").textContent = verdict(state.sweeps[0], before);
  await look();
}

function verdict(now, before) {
  const cold = now.nodes.filter((node) => node.misses);
  const misses = now.reads - now.hits;
  if (!misses) return `All ${now.reads} came from the nodes.`;
  const whose = cold.map((node) => `${node.misses} of ${node.hits + node.misses} of node ${node.id}`).join(", ");
  const change = before && before.version !== now.version ? " The list of nodes changed: keys moved to other nodes." : "";
  return `${misses} of ${now.reads} came from the database: ${whose}.${change}`;
}

function sweepRow(one) {
  const row = element("li");
  const bar = element("span", "bar");
  for (const node of one.nodes) {
    const part = element("span", "node");
    part.style.flex = `${node.hits + node.misses} 1 0`;
    part.title = `node ${node.id}: ${node.hits} hits, ${node.misses} from the database`;
    for (const kind of ["hits", "misses"]) {
      if (!node[kind]) continue;
      const piece = element("i", kind, kind === "hits" ? node.id : "");
      piece.style.flex = `${node[kind]} 1 0`;
      part.append(piece);
    }
    bar.append(part);
  }
  const label = one.nodes.map((node) => `node ${node.id} ${node.hits} of ${node.hits + node.misses}`).join(", ");
  row.setAttribute("aria-label", `${percent(one.hits, one.reads)} from the cache: ${label}`);
  row.append(element("span", "time", one.time.toLocaleTimeString("en", { minute: "2-digit", second: "2-digit" })));
  row.append(bar, element("span", "rate", percent(one.hits, one.reads)));
  return row;
}

function repeat() {
  state.repeating = !state.repeating;
  byId("repeat").setAttribute("aria-pressed", String(state.repeating));
  byId("repeat").textContent = state.repeating ? "Stop" : "Repeat each second";
  byId("sweep").disabled = state.repeating;
  if (state.repeating) sweep();
}

// Nodes

function count(id, hits, misses) {
  const counts = state.counts.get(id) ?? { hits: 0, misses: 0 };
  counts.hits += hits;
  counts.misses += misses;
  state.counts.set(id, counts);
}

async function look() {
  const body = await ask("/api/nodes");
  if (!body) return;
  state.nodes = body.nodes;
  byId("stat-nodes").textContent = String(body.nodes.length);
  byId("stat-version").textContent = String(body.version || "–");
  byId("nodes-empty").hidden = body.nodes.length > 0;
  byId("nodes-empty").textContent = body.reason || "There are no nodes.";
  byId("nodes").replaceChildren(...body.nodes.map(nodeRow));
}

function nodeRow(node) {
  const row = element("li");
  row.dataset.node = node.id;
  row.dataset.answered = String(node.id === state.answered);
  const status = element("span", "status", node.status);
  status.dataset.status = node.status;
  const address = element("span", "address", node.address);
  address.title = node.host;
  const counts = state.counts.get(node.id);
  const reads = counts ? counts.hits + counts.misses : 0;
  const said = reads ? `${counts.hits} of ${reads} reads of this page, ${percent(counts.hits, reads)}` : "not asked by this page yet";
  row.append(element("b", "", node.id), address, status, element("span", "counts", said));
  return row;
}

// Products

async function list() {
  const body = await ask(`/api/products?page=${state.page}`);
  if (!body) return;
  const pages = Math.max(1, Math.ceil(body.total / PAGE_SIZE));
  byId("products").replaceChildren(...body.products.map(card));
  byId("page").textContent = `Page ${state.page} of ${pages}`;
  byId("previous").disabled = state.page <= 1;
  byId("next").disabled = state.page >= pages;
}

function card(product) {
  const button = element("button");
  button.type = "button";
  button.dataset.id = product.id;
  button.setAttribute("aria-pressed", String(product.id === state.product?.id));
  button.append(element("b", "", product.name), element("span", "", product.category));
  button.append(element("span", "price", money(product.price_cents)));
  button.addEventListener("click", () => show(product.id));
  const item = element("li");
  item.append(button);
  return item;
}

async function show(id) {
  const turn = ++state.shown;
  const body = await ask(`/api/products/${id}`);
  if (!body || turn !== state.shown) return;
  const product = body.data;
  state.product = product;
  state.answered = body.source === "cache" ? body.node : "";
  count(body.node || "none", body.source === "cache" ? 1 : 0, body.source === "cache" ? 0 : 1);
  for (const button of document.querySelectorAll(".cards button")) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.id) === id));
  }
  byId("detail-title").textContent = product.name;
  const why = { miss: `, for node ${body.node} did not have it`, changed: ", for it was just changed", away: body.node ? `, for node ${body.node} is away` : "" };
  byId("detail-source").textContent = body.source === "cache"
    ? `from node ${body.node} in ${milliseconds(body.latency_ms)}`
    : `from the database in ${milliseconds(body.latency_ms)}${why[body.cache] ?? ""}`;
  byId("detail-source").dataset.source = body.source;
  byId("detail-facts").textContent =
    `${product.category} · ${product.stock} in stock · version ${product.version} · ` +
    `place ${product.category_rank} of ${product.category_count} in its category`;
  byId("price").value = (product.price_cents / 100).toFixed(2);
  byId("detail").hidden = false;
  await look();
}

async function savePrice(event) {
  event.preventDefault();
  const price_cents = Math.round(Number(byId("price").value) * 100);
  const saved = await ask(`/api/products/${state.product.id}`, {
    method: "PATCH", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ price_cents }),
  });
  if (!saved) return;
  await show(state.product.id);
  await list();
}

byId("sweep").addEventListener("click", sweep);
byId("repeat").addEventListener("click", repeat);
byId("previous").addEventListener("click", () => { state.page -= 1; list(); });
byId("next").addEventListener("click", () => { state.page += 1; list(); });
byId("again").addEventListener("click", () => show(state.product.id));
byId("price-form").addEventListener("submit", savePrice);
setInterval(() => { if (state.repeating) sweep(); }, REPEAT_INTERVAL_MS);
setInterval(() => { if (!state.repeating && !document.hidden) look(); }, STATE_INTERVAL_MS);
list();
look();
