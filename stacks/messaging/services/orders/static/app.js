// The page of the messaging services: orders on their way, as the service's events tell it, and what can be done about them.

const SHOWN = 40; // of a lane; the number beside its name is exact
const LOGGED = 14;
const AT_ONCE = 6; // requests that place orders side by side
const ATTEMPTS = 40;
const PAUSE_MS = 500;

const orders = new Map(); // id: {stage, item, worker, state}; those that were told of go when there are too many
const mine = new Map(); // orders that this page placed: "asked", "placed", "done", "failed"
const finished = []; // times, for the rate
let told = 0;
let state = null;
let drills = true;
let placing = false;
let redraw = false;

const $ = (id) => document.getElementById(id);

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function say(text) {
  $("notice").textContent = text;
  $("notice").hidden = !text;
}

function number(value) {
  return value.toLocaleString("en");
}

async function post(path, body, headers = {}) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const content = await response.json().catch(() => ({}));
  return { status: response.status, content };
}

// Asks again with the same key until the service acknowledges the order, so that it is placed once.
async function placeOne(item, quantity) {
  const id = (crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("")).replaceAll("-", "").slice(0, 16);
  mine.set(id, mine.get(id) ?? "asked");
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    try {
      const { status, content } = await post("/orders", { item, quantity }, { "idempotency-key": id });
      if (status === 202) {
        if (mine.get(id) === "asked") mine.set(id, "placed");
        draw();
        return true;
      }
      if (status < 500) {
        mine.delete(id);
        say(content.error ?? `the service answered ${status}`);
        return false;
      }
    } catch {
      // no answer: ask again
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  say("The service did not acknowledge an order.");
  return false;
}

async function place(count) {
  const item = $("item").value.trim();
  const quantity = Number($("quantity").value);
  if (!$("place-form").reportValidity()) return;
  say("");
  placing = true;
  let left = count;
  const lane = async () => {
    while (left > 0) {
      left -= 1;
      if (!(await placeOne(item, quantity))) left = 0;
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, lane));
  placing = false;
  draw();
}

function happened(event) {
  const order = orders.get(event.order) ?? { item: "" };
  orders.delete(event.order); // the newest comes last
  orders.set(event.order, order);
  if (event.kind === "placed") Object.assign(order, { stage: "queue", item: `${event.quantity} × ${event.item}` });
  if (event.kind === "resent") order.stage = "queue";
  if (event.kind === "taken") Object.assign(order, { stage: "worker", worker: event.worker });
  if (event.kind === "done" || event.kind === "failed") {
    order.stage = "closed";
    if (event.kind === "done") finished.push(performance.now());
  }
  if (event.kind === "told") {
    Object.assign(order, { stage: "told", state: event.state });
    told += 1;
    if (mine.has(event.order)) mine.set(event.order, event.state);
  } else if (mine.has(event.order) && event.kind === "resent") {
    mine.set(event.order, "placed");
  }
  log(event, order);
}

const WORDS = {
  placed: () => "placed",
  resent: () => "sent again",
  taken: (event) => `taken by ${short(event.worker)}${event.attempt > 1 ? `, attempt ${event.attempt}` : ""}`,
  done: (event) => `done by ${short(event.worker)}`,
  failed: (event) => `given up: ${event.reason}`,
  told: (event) => `told: ${event.state}`,
};

function log(event, order) {
  const text = `${event.order.slice(0, 6)} ${WORDS[event.kind]?.(event) ?? event.kind}`;
  const line = element("li", { title: order.item }, element("span", { textContent: text }), element("time", { textContent: new Date().toLocaleTimeString("en-GB") }));
  $("log").prepend(line);
  while ($("log").childElementCount > LOGGED) $("log").lastElementChild.remove();
  $("log-empty").hidden = true;
}

function short(worker) {
  return worker.split("-").at(-1);
}

function draw() {
  if (redraw) return;
  redraw = true;
  requestAnimationFrame(() => {
    redraw = false;
    drawLanes();
    drawVerdict();
  });
}

function drawLanes() {
  const lanes = { queue: [], worker: [], told: [] };
  for (const [id, order] of orders) lanes[order.stage]?.push([id, order]);
  for (const [name, found] of Object.entries(lanes)) {
    const newest = name === "told" ? found.toReversed() : found; // a queue is worked off from its front
    $(`lane-${name}`).replaceChildren(
      ...newest.slice(0, SHOWN).map(([id, order]) => element("li", { textContent: id.slice(0, 6), title: order.item, className: order.state === "failed" && name === "told" ? "failed" : "" })),
    );
    $(`lane-${name}-count`).textContent = number(name === "told" ? told : found.length);
  }
  for (const [id] of lanes.told.slice(0, Math.max(0, lanes.told.length - SHOWN))) orders.delete(id);
}

function drawVerdict() {
  if (!mine.size) return;
  const states = [...mine.values()];
  const count = (name) => states.filter((one) => one === name).length;
  const acknowledged = states.length - count("asked");
  const done = count("done");
  const failed = count("failed");
  const all = done + failed === states.length && !placing;
  const parts = [`${number(acknowledged)} orders acknowledged here, ${number(done)} delivered`];
  if (failed) parts.push(`${number(failed)} given up`);
  parts.push(all ? "none lost" : `${number(states.length - done - failed)} open`);
  $("verdict").textContent = `${parts.join(", ")}.`;
  $("verdict").dataset.outcome = all ? (failed ? "" : "good") : "";
}

function drawState() {
  $("stat-placed").textContent = number(state.counts.placed);
  $("stat-open").textContent = number(state.open);
  $("stat-done").textContent = number(state.counts.done);
  $("stat-workers").textContent = number(state.workers.filter((one) => one.alive).length);
  $("stat-dead").textContent = number(state.dead);
  drawWorkers();
  drawLetters();
}

function drawRate() {
  const since = performance.now() - 5000;
  while (finished.length && finished[0] < since) finished.shift();
  $("stat-rate").textContent = (finished.length / 5).toFixed(1);
}

function drawWorkers() {
  const most = Math.max(1, ...state.workers.map((one) => one.done));
  const focused = document.activeElement?.dataset?.kill;
  $("workers").replaceChildren(...state.workers.map((one, index) => worker(one, index + 1, most)));
  $("workers-empty").hidden = state.workers.length > 0;
  if (focused) document.querySelector(`[data-kill="${CSS.escape(focused)}"]`)?.focus();
}

function worker(one, rank, most) {
  const line = element(
    "li",
    {},
    element("span", { className: "rank", textContent: `${rank}.` }),
    element("span", { className: "name", textContent: short(one.worker), title: one.worker }),
    element("span", { className: "done", textContent: number(one.done) }),
  );
  line.dataset.alive = one.alive;
  const bar = element("i", {});
  bar.style.width = `${(100 * one.done) / most}%`;
  line.append(element("span", { className: "track" }, bar));
  if (one.alive && drills) {
    const button = element("button", { type: "button", className: "danger", textContent: "Kill", onclick: () => kill(one.worker) });
    button.dataset.kill = one.worker;
    button.setAttribute("aria-label", `Kill worker ${short(one.worker)}`);
    line.append(button);
  } else {
    line.append(element("span", { className: "gone", textContent: one.alive ? "" : "gone" }));
  }
  return line;
}

async function kill(name) {
  const { status, content } = await post(`/workers/${encodeURIComponent(name)}/kill`, {}).catch(() => ({ status: 0, content: {} }));
  say(status === 202 ? "" : content.error ?? "the service does not answer");
}

function drawLetters() {
  const list = $("dead");
  $("dead-empty").hidden = state.letters.length > 0;
  const shown = new Map([...list.children].map((line) => [line.dataset.letter, line]));
  list.replaceChildren(...state.letters.map((one) => shown.get(one.letter_id) ?? letter(one))); // what is being typed stays
}

function letter(one) {
  const quantity = element("input", { type: "number", min: 1, max: 999999, required: true, value: one.quantity || 1, inputMode: "numeric" });
  const button = element("button", { type: "submit", className: "plain", textContent: "Send again" });
  button.setAttribute("aria-label", `Send order ${one.order.slice(0, 6)} again`);
  const form = element("form", {}, element("label", {}, "Pieces ", quantity), button);
  form.onsubmit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    const { status, content } = await post(`/dead-letters/${one.letter_id}`, { quantity: Number(quantity.value) }).catch(() => ({ status: 0, content: {} }));
    button.disabled = false;
    say(status === 202 ? "" : content.error ?? "the service does not answer");
    if (status === 202) line.remove();
  };
  const attempts = `${one.attempts} attempt${one.attempts === 1 ? "" : "s"}`;
  const line = element(
    "li",
    {},
    element(
      "div",
      {},
      element("p", { textContent: `${one.order.slice(0, 6)}: ${number(one.quantity)} × ${one.item || "?"}` }),
      element("p", { className: "quiet", textContent: `${one.reason} (${attempts})` }),
    ),
    form,
  );
  line.dataset.letter = one.letter_id;
  return line;
}

function lamp(status, text) {
  if ($("live").dataset.status === status) return;
  $("live").dataset.status = status;
  $("live").textContent = text;
}

$("place-form").onsubmit = (event) => {
  event.preventDefault();
  place(1);
};
for (const button of document.querySelectorAll("[data-many]")) {
  button.onclick = async () => {
    button.disabled = true;
    await place(Number(button.dataset.many));
    button.disabled = false;
  };
}

const source = new EventSource("/events");
source.addEventListener("orders", (message) => {
  lamp("up", "live");
  for (const event of JSON.parse(message.data)) happened(event);
  draw();
});
source.addEventListener("state", (message) => {
  lamp("up", "live");
  state = JSON.parse(message.data);
  drawState();
});
source.addEventListener("away", () => lamp("down", "the cache is away"));
source.onerror = () => lamp("down", "reconnecting");
setInterval(drawRate, 500);
fetch("/state").then((response) => response.json()).then((found) => {
  drills = found.drills ?? true;
}).catch(() => {});
