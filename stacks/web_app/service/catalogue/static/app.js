"use strict";
// The page: it asks the API, and shows for each answer where it came from and how long the service took.

const HISTORY_LENGTH = 12;
const STATS_INTERVAL_MS = 3000;
const byId = (id) => document.getElementById(id);
const state = { page: 1, product: null, history: [], listed: 0, shown: 0 };

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

const milliseconds = (ms) => (ms === null ? "–" : `${ms < 10 ? ms.toFixed(2) : ms.toFixed(1)} ms`);
const money = (cents) => (cents / 100).toLocaleString("en", { style: "currency", currency: "EUR" });

function notice(text) {
  byId("notice").textContent = text;
  byId("notice").hidden = !text;
}

async function ask(path, label, options = {}) {
  let response;
  let body;
  try {
    response = await fetch(path, options);
    body = response.status === 204 ? {} : await response.json();
  } catch {
    notice("The service does not answer. It may be restarting; try again in a moment.");
    return null;
  }
  if (body.source) remember(body, label, options.method);
  if (body.error) {
    const fields = Object.entries(body.error.fields ?? {}).map(([name, problem]) => `${name} ${problem}`);
    notice(`${response.status}: ${[body.error.message, ...fields].join("; ")}`);
    return null;
  }
  notice("");
  return body;
}

function remember(body, label, method) {
  const source = body.source;
  const how = method ? "write, invalidates" : body.cache + (body.coalesced ? ", shared" : "");
  state.history.unshift({ label, source, how, ms: body.latency_ms });
  state.history.length = Math.min(state.history.length, HISTORY_LENGTH);
  const widest = Math.max(...state.history.map((entry) => entry.ms));
  byId("history-empty").hidden = true;
  byId("history").replaceChildren(...state.history.map((entry) => historyRow(entry, widest)));
  byId("announcement").textContent = `${label}: ${source}, ${milliseconds(body.latency_ms)}`;
}

function historyRow(entry, widest) {
  const row = element("li", entry.source);
  row.dataset.source = entry.source;
  const took = element("span", "took");
  took.append(element("b", "", entry.source), ` ${milliseconds(entry.ms)}`);
  const what = element("span", "what", `${entry.label} · ${entry.how}`);
  what.title = what.textContent;
  const track = element("span", "track");
  const bar = element("i");
  bar.style.width = `${(100 * entry.ms) / widest}%`;
  track.append(bar);
  row.append(what, took, track);
  return row;
}

async function list() {
  const turn = ++state.listed;
  const text = byId("q").value.trim();
  const category = byId("category").value;
  const query = new URLSearchParams({ page: state.page });
  if (text) query.set("q", text);
  else {
    query.set("sort", byId("sort").value);
    if (category) query.set("category", category);
  }
  byId("category").disabled = byId("sort").disabled = Boolean(text);
  const label = text ? `Search “${text}”` : `${category || "All"}, page ${state.page}`;
  const body = await ask(`/api/${text ? "search" : "products"}?${query}`, label);
  if (!body || turn !== state.listed) return;
  const { products, total, page_size: size, categories } = body.data;
  const pages = Math.max(1, Math.ceil(total / size));
  if (categories) fillCategories(categories);
  byId("products").replaceChildren(...products.map(card));
  byId("count").textContent = `${total} product${total === 1 ? "" : "s"}`;
  byId("page").textContent = `Page ${state.page} of ${pages}`;
  byId("previous").disabled = state.page <= 1;
  byId("next").disabled = state.page >= pages;
}

function fillCategories(categories) {
  const select = byId("category");
  const chosen = select.value;
  const options = categories.map(({ name, count }) => new Option(`${name} (${count})`, name));
  select.replaceChildren(new Option("All", ""), ...options);
  select.value = chosen;
}

function card(product) {
  const button = element("button");
  button.type = "button";
  button.dataset.id = product.id;
  button.setAttribute("aria-pressed", String(product.id === state.product?.id));
  const rating = product.rating === null ? "no ratings" : `★ ${product.rating.toFixed(2)} of 5`;
  button.append(element("b", "", product.name), element("span", "", product.category), element("span", "", rating));
  button.append(element("span", "", `${product.stock} in stock`), element("span", "price", money(product.price_cents)));
  button.addEventListener("click", () => show(product.id, product.name));
  const item = element("li");
  item.append(button);
  return item;
}

async function show(id, name) {
  const turn = ++state.shown;
  const body = await ask(`/api/products/${id}`, name);
  if (!body || turn !== state.shown) return;
  const product = body.data;
  state.product = product;
  for (const button of document.querySelectorAll(".cards button")) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.id) === product.id));
  }
  byId("detail-title").textContent = product.name;
  byId("detail-source").textContent = `from the ${body.source} in ${milliseconds(body.latency_ms)}`;
  byId("detail-source").dataset.source = body.source;
  byId("detail-description").textContent = product.description;
  byId("detail-facts").textContent =
    `${product.category} · ${product.stock} in stock · version ${product.version} · ` +
    (product.rating === null
      ? "no ratings yet"
      : `${product.rating.toFixed(2)} of 5 from ${product.review_count} reviews, ` +
        `place ${product.category_rank} of ${product.category_count} in its category`);
  byId("detail-ratings").replaceChildren(...product.ratings.map(ratingRow).reverse());
  byId("price").value = (product.price_cents / 100).toFixed(2);
  byId("detail").hidden = false;
  if (matchMedia("(max-width: 60rem)").matches) byId("history-title").scrollIntoView();
}

function ratingRow(count, index, counts) {
  const row = element("li");
  const track = element("span");
  const bar = element("i");
  bar.style.width = `${(100 * count) / Math.max(1, ...counts)}%`;
  track.append(bar);
  row.append(element("span", "", `${index + 1} star${index ? "s" : ""}`), track, element("span", "", String(count)));
  return row;
}

async function savePrice(event) {
  event.preventDefault();
  const { id, name } = state.product;
  const body = await ask(`/api/products/${id}`, name, {
    method: "PATCH",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ price_cents: Math.round(Number(byId("price").value) * 100) }),
  });
  if (!body) return;
  await show(id, name);
  await list();
  await stats();
}

async function stats() {
  let body;
  try {
    body = await (await fetch("/api/stats")).json();
  } catch {
    lamp("cache", "unknown");
    lamp("database", "unknown");
    return;
  }
  const { cache, database } = body.median_ms;
  byId("stat-hit-rate").textContent = body.hit_rate === null ? "–" : `${Math.round(100 * body.hit_rate)} %`;
  byId("stat-cache").textContent = milliseconds(cache);
  byId("stat-database").textContent = milliseconds(database);
  byId("stat-ratio").textContent = cache && database ? `${(database / cache).toFixed(database / cache < 10 ? 1 : 0)}×` : "–";
  byId("stat-reads").textContent = body.reads.toLocaleString("en");
  byId("stat-queries").textContent = body.database_queries.toLocaleString("en");
  lamp("cache", body.cache.status);
  lamp("database", body.database.status);
}

function lamp(name, status) {
  byId(`${name}-lamp`).dataset.status = status;
  byId(`${name}-lamp`).querySelector("strong").textContent = status;
}

function turnTo(page) {
  state.page = page;
  list().then(stats);
}

byId("filters").addEventListener("submit", (event) => { event.preventDefault(); turnTo(1); });
byId("q").addEventListener("search", () => { if (!byId("q").value) turnTo(1); });
byId("category").addEventListener("change", () => turnTo(1));
byId("sort").addEventListener("change", () => turnTo(1));
byId("previous").addEventListener("click", () => turnTo(state.page - 1));
byId("next").addEventListener("click", () => turnTo(state.page + 1));
byId("price-form").addEventListener("submit", savePrice);
byId("again").addEventListener("click", () => show(state.product.id, state.product.name));
setInterval(() => { if (!document.hidden) stats(); }, STATS_INTERVAL_MS);
list().then(stats);
