"use strict";
// The page: it asks the API, and shows for each answer where it came from and how long the service took. What it counts
// are its own answers: several processes serve it, and each knows only what it answered itself.

const HISTORY_LENGTH = 12;
const SAMPLES_MAX = 500;
const FULL_BAR_MS_MIN = 10; // so that a bar is short when an answer is quick, also when all are
const STATE_INTERVAL_MS = 3000;
const AGAIN_INTERVAL_MS = 1000;
const byId = (id) => document.getElementById(id);
const state = {
  page: 1, product: null, history: [], listed: 0, shown: 0,
  counts: { hit: 0, reads: 0, database: 0 }, samples: { cache: [], database: [] },
  notices: new Map(), // what went wrong, by what was tried: "list", "detail", "write"
  again: new Map(), // what to try again until it is answered, by the same names
  trying: false,
};

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

const milliseconds = (ms) => (ms === null ? "–" : `${ms < 10 ? ms.toFixed(2) : ms.toFixed(1)} ms`);
const money = (cents) => (cents / 100).toLocaleString("en", { style: "currency", currency: "EUR" });

function median(values) {
  const ordered = [...values].sort((one, other) => one - other);
  return ordered.length ? ordered[Math.floor(ordered.length / 2)] : null;
}

// Asking, and what goes wrong

async function ask(kind, path, label, { again, ...options } = {}) {
  let response = null;
  let body = null;
  try {
    response = await fetch(path, options);
    body = await response.json();
  } catch {
    // No connection, or an answer of the load balancer, which is not JSON.
  }
  if (body?.source) remember(body, label, options.method);
  const answered = body && !body.error;
  if (answered) settle(kind);
  else fail(kind, response?.status, body?.error, again);
  noteDependencies(response);
  return answered ? body : null;
}

function fail(kind, status, error, again) {
  const text = error ? `${status}: ${problem(error)}.` : "The service does not answer.";
  state.notices.set(kind, { text, code: error?.code ?? "no_answer" });
  if (again && (!error || status === 503)) state.again.set(kind, again);
  else state.again.delete(kind);
  if (error?.code === "database_unavailable") lamp("database", "down");
  showNotices();
}

function problem({ message, fields }) {
  return [message, ...Object.entries(fields ?? {}).map(([name, what]) => `${name} ${what}`)].join("; ");
}

function settle(kind) {
  state.notices.delete(kind);
  state.again.delete(kind);
  showNotices();
}

function showNotices() {
  const texts = new Set(Array.from(state.notices.values(), (notice) => notice.text));
  const text = [...texts].join(" ") + (state.again.size ? " This page asks again by itself." : "");
  byId("notice").textContent = text;
  byId("notice").hidden = !texts.size;
}

// The lamps show what the last answer said. While the page waits for the database, that one's stays red: another process
// may reach it already, but the answer that is waited for has not come.
function noteDependencies(response) {
  const said = new Map((response?.headers.get("X-Dependencies") ?? "").split(", ").map((pair) => pair.split("=")));
  if (!said.has("cache")) return;
  lamp("cache", said.get("cache"));
  const up = said.get("database") === "up";
  if (up && state.notices.get("write")?.code === "database_unavailable") settle("write");
  const waiting = [...state.notices.values()].some((notice) => notice.code === "database_unavailable");
  if (!up || !waiting) lamp("database", said.get("database"));
}

function lamp(name, status) {
  byId(`${name}-lamp`).dataset.status = status;
  byId(`${name}-lamp`).querySelector("strong").textContent = status;
}

async function tryAgain() {
  if (!state.again.size || state.trying) return;
  state.trying = true;
  await Promise.all([...state.again.values()].map((again) => again()));
  state.trying = false;
}

async function look() {
  try {
    noteDependencies(await fetch("/api/stats"));
  } catch {
    lamp("cache", "unknown");
    lamp("database", "unknown");
  }
}

// The history and the counters

function remember(body, label, method) {
  const source = body.source;
  const how = method ? "write" : body.cache + (body.coalesced ? ", shared" : "");
  if (!method) count(body);
  state.history.unshift({ label, source, how, ms: body.latency_ms });
  state.history.length = Math.min(state.history.length, HISTORY_LENGTH);
  const full = Math.max(FULL_BAR_MS_MIN, ...state.history.map((entry) => entry.ms));
  byId("history-empty").hidden = true;
  byId("history").replaceChildren(...state.history.map((entry) => historyRow(entry, full)));
  byId("history-scale").textContent = `full bar: ${milliseconds(full)}`;
  byId("announcement").textContent = `${label}: ${source}, ${milliseconds(body.latency_ms)}`;
}

function historyRow(entry, full) {
  const row = element("li", entry.source);
  row.dataset.source = entry.source;
  const what = element("span", "what", entry.label);
  what.title = entry.label;
  const took = element("span", "took");
  took.append(element("b", "", entry.source), ` ${milliseconds(entry.ms)}`);
  const track = element("span", "track");
  const bar = element("i");
  bar.style.width = `${(100 * entry.ms) / full}%`;
  track.append(bar);
  row.append(what, element("span", "how", entry.how), took, track);
  return row;
}

function count(body) {
  const { counts, samples } = state;
  counts.reads += 1;
  counts.hit += body.cache === "hit" ? 1 : 0;
  counts.database += body.source === "database" ? 1 : 0;
  samples[body.source].push(body.latency_ms);
  if (samples[body.source].length > SAMPLES_MAX) samples[body.source].shift();
  const [cache, database] = [median(samples.cache), median(samples.database)];
  byId("stat-hit-rate").textContent = `${Math.round((100 * counts.hit) / counts.reads)} %`;
  byId("stat-cache").textContent = milliseconds(cache);
  byId("stat-database").textContent = milliseconds(database);
  byId("stat-ratio").textContent = cache && database ? `${(database / cache).toFixed(database / cache < 10 ? 1 : 0)}×` : "–";
  byId("stat-reads").textContent = counts.reads.toLocaleString("en");
  byId("stat-queries").textContent = counts.database.toLocaleString("en");
}

// The list

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
  const body = await ask("list", `/api/${text ? "search" : "products"}?${query}`, label, { again: list });
  if (!body || turn !== state.listed) return;
  const { products, total, page_size: size, categories } = body.data;
  const pages = Math.max(1, Math.ceil(total / size));
  if (categories) fillCategories(categories, category);
  byId("products").replaceChildren(...products.map(card));
  byId("count").textContent = `${total} product${total === 1 ? "" : "s"}`;
  byId("page").textContent = `Page ${state.page} of ${pages}`;
  byId("pages").hidden = !products.length;
  byId("previous").disabled = state.page <= 1;
  byId("next").disabled = state.page >= pages;
  byId("empty").hidden = Boolean(products.length);
  byId("empty-text").textContent = state.page > 1
    ? `There is nothing on page ${state.page}.`
    : text
      ? `Nothing matches “${text}”. Try fewer words, or a part of a name, such as “lamp”.`
      : "There is nothing in this category.";
}

function fillCategories(categories, chosen) {
  const options = categories.map(({ name, count: number }) => new Option(`${name} (${number})`, name));
  byId("category").replaceChildren(new Option("All", ""), ...options);
  choose("category", chosen);
}

// Selects a value, also one that is not offered (yet).
function choose(id, value) {
  const select = byId(id);
  if (![...select.options].some((option) => option.value === value)) select.append(new Option(value, value));
  select.value = value;
}

function card(product) {
  const button = element("button");
  button.type = "button";
  button.dataset.id = product.id;
  button.setAttribute("aria-pressed", String(product.id === state.product?.id));
  const rating = product.rating === null ? "no ratings" : `★ ${product.rating.toFixed(2)} of 5`;
  button.append(element("b", "", product.name), element("span", "", product.category), element("span", "", rating));
  button.append(element("span", "", `${product.stock} in stock`), element("span", "price", money(product.price_cents)));
  button.addEventListener("click", () => show(product.id, product.name).then(writeAddress));
  const item = element("li");
  item.append(button);
  return item;
}

// One product

async function show(id, name) {
  const turn = ++state.shown;
  const body = await ask("detail", `/api/products/${id}`, name, { again: () => show(id, name) });
  if (!body || turn !== state.shown) return;
  const product = body.data;
  state.product = product;
  markCard();
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

function hideDetail() {
  state.shown += 1;
  state.product = null;
  settle("detail");
  markCard();
  byId("detail").hidden = true;
}

function markCard() {
  for (const button of document.querySelectorAll(".cards button")) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.id) === state.product?.id));
  }
}

function ratingRow(votes, index, all) {
  const row = element("li");
  const track = element("span");
  const bar = element("i");
  bar.style.width = `${(100 * votes) / Math.max(1, ...all)}%`;
  track.append(bar);
  row.append(element("span", "", `${index + 1} star${index ? "s" : ""}`), track, element("span", "", String(votes)));
  return row;
}

async function savePrice(event) {
  event.preventDefault();
  const { id, name } = state.product;
  const body = await ask("write", `/api/products/${id}`, name, {
    method: "PATCH",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ price_cents: Math.round(Number(byId("price").value) * 100) }),
  });
  if (!body) return;
  await show(id, name);
  await list();
}

// The address: ?q=&category=&sort=&page=&product= is what is shown, so a search can be kept and sent

function writeAddress() {
  const query = new URLSearchParams();
  const text = byId("q").value.trim();
  if (text) query.set("q", text);
  else {
    if (byId("category").value) query.set("category", byId("category").value);
    if (byId("sort").value !== "rating") query.set("sort", byId("sort").value);
  }
  if (state.page > 1) query.set("page", state.page);
  if (state.product) query.set("product", state.product.id);
  const address = `${query}` ? `?${query}` : "/";
  if (address !== (location.search || "/")) history.pushState(null, "", address);
}

async function readAddress() {
  const query = new URLSearchParams(location.search);
  const number = (name) => (/^[1-9]\d{0,15}$/.test(query.get(name)) ? Number(query.get(name)) : null);
  byId("q").value = query.get("q") ?? "";
  choose("category", query.get("category") ?? "");
  byId("sort").value = query.get("sort") ?? "rating";
  if (byId("sort").selectedIndex < 0) byId("sort").value = "rating";
  state.page = number("page") ?? 1;
  const product = number("product");
  if (!product) hideDetail();
  await Promise.all([list(), ...(product && product !== state.product?.id ? [show(product, `Product ${product}`)] : [])]);
}

function turnTo(page) {
  state.page = page;
  writeAddress();
  list();
}

function showAll() {
  byId("q").value = "";
  byId("category").value = "";
  turnTo(1);
}

byId("filters").addEventListener("submit", (event) => { event.preventDefault(); turnTo(1); });
byId("q").addEventListener("search", () => { if (!byId("q").value) turnTo(1); });
byId("category").addEventListener("change", () => turnTo(1));
byId("sort").addEventListener("change", () => turnTo(1));
byId("previous").addEventListener("click", () => turnTo(state.page - 1));
byId("next").addEventListener("click", () => turnTo(state.page + 1));
byId("show-all").addEventListener("click", showAll);
byId("price-form").addEventListener("submit", savePrice);
byId("again").addEventListener("click", () => show(state.product.id, state.product.name));
addEventListener("popstate", readAddress);
setInterval(() => { if (!document.hidden) look(); }, STATE_INTERVAL_MS);
setInterval(tryAgain, AGAIN_INTERVAL_MS);
readAddress();
