// The page of the session API: one session, its time running down, its cart, and who answered each request.

const PRODUCTS = { lamp: ["Oak lamp", 89], kettle: ["Kettle", 45], blanket: ["Wool blanket", 120], mug: ["Clay mug", 14] };
const SHOWN = 10;
const answers = [];
let session = null; // what the API said last, and when
let ttlMax = 0;

const $ = (id) => document.getElementById(id);

async function ask(method, body) {
  const began = performance.now();
  const options = { method, headers: {}, cache: "no-store" };
  if (body !== undefined) {
    options.headers["content-type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch("/session", options);
  } catch {
    record({ method, status: "–", instance: "–", start: "", took: performance.now() - began });
    return { status: 0, content: { error: "the API does not answer" } };
  }
  const text = await response.text();
  record({
    method,
    status: response.status,
    instance: response.headers.get("x-instance") ?? "–",
    start: response.headers.get("x-instance-start") ?? "",
    took: performance.now() - began,
  });
  let content = null;
  try {
    content = text ? JSON.parse(text) : null;
  } catch {
    content = { error: "the answer is no JSON" };
  }
  return { status: response.status, content };
}

function record(answer) {
  answers.unshift(answer);
  answers.length = Math.min(answers.length, 100);
  const body = $("answers");
  body.replaceChildren(...answers.slice(0, SHOWN).map(row));
  const instances = new Set(answers.map((one) => one.instance).filter((name) => name !== "–"));
  const cold = answers.filter((one) => one.start === "cold").length;
  $("instances").textContent = `${count(answers.length, "answer")} by ${count(instances.size, "instance")}, ${cold} cold.`;
}

function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function row(answer) {
  const line = document.createElement("tr");
  const cells = [answer.method, String(answer.status), answer.instance, "", `${answer.took.toFixed(0)} ms`];
  for (const text of cells) line.append(Object.assign(document.createElement("td"), { textContent: text }));
  if (answer.start) {
    const mark = Object.assign(document.createElement("span"), { textContent: answer.start, className: `start ${answer.start}` });
    line.children[3].append(mark);
  }
  line.children[4].className = "number";
  return line;
}

function take({ status, content }) {
  if (status === 200 || status === 201) {
    session = { ...content, at: performance.now() };
    ttlMax = Math.max(ttlMax, content.expires_in_s);
    say("");
  } else if (status === 204 || status === 404) {
    session = null;
    say("");
  } else {
    say(content?.error ?? content?.message ?? `the API answered ${status}`);
  }
  show();
}

function say(text) {
  $("notice").textContent = text;
  $("notice").hidden = !text;
}

function show() {
  $("sign-in").hidden = session !== null;
  $("session").hidden = session === null;
  if (session === null) return;
  $("who").textContent = String(session.data.name ?? "somebody");
  $("visits").textContent = String(session.visits);
  $("made").textContent = new Date(1000 * session.made_s).toLocaleTimeString();
  const cart = session.data.cart ?? {};
  $("cart").replaceChildren(...Object.entries(PRODUCTS).map(([id, [name, price]]) => item(id, name, price, cart[id] ?? 0)));
  const total = Object.entries(PRODUCTS).reduce((sum, [id, [, price]]) => sum + price * (cart[id] ?? 0), 0);
  $("total").textContent = total ? `Together ${total} €` : "The cart is empty.";
  tick();
}

function item(id, name, price, count) {
  const line = document.createElement("li");
  const label = Object.assign(document.createElement("span"), { textContent: `${name}, ${price} €` });
  const counter = Object.assign(document.createElement("span"), { className: "count" });
  const less = Object.assign(document.createElement("button"), { type: "button", className: "plain", textContent: "−", disabled: count === 0 });
  const more = Object.assign(document.createElement("button"), { type: "button", className: "plain", textContent: "+" });
  less.setAttribute("aria-label", `One ${name} less`);
  more.setAttribute("aria-label", `One ${name} more`);
  less.onclick = () => change(id, count - 1);
  more.onclick = () => change(id, count + 1);
  counter.append(less, Object.assign(document.createElement("b"), { textContent: String(count) }), more);
  line.append(label, counter);
  return line;
}

async function change(id, count) {
  const focused = document.activeElement?.getAttribute("aria-label");
  const cart = { ...(session.data.cart ?? {}), [id]: count };
  if (!count) delete cart[id];
  take(await ask("PATCH", { cart }));
  if (focused) document.querySelector(`[aria-label="${focused}"]`)?.focus();
}

function tick() {
  if (session === null) return;
  const left = Math.max(0, session.expires_in_s - (performance.now() - session.at) / 1000);
  const minutes = Math.floor(left / 60);
  $("ttl").textContent = `${minutes}:${String(Math.floor(left % 60)).padStart(2, "0")}`;
  $("ttl-bar").style.transform = `scaleX(${ttlMax ? left / ttlMax : 0})`;
  if (left === 0) {
    session = null;
    say("The session has expired.");
    show();
  }
}

$("sign-in-form").onsubmit = async (event) => {
  event.preventDefault();
  ttlMax = 0;
  take(await ask("POST", { name: $("name").value.trim(), cart: {} }));
};
$("visit").onclick = async () => take(await ask("GET"));
$("sign-out").onclick = async () => take(await ask("DELETE"));
$("many").onclick = async () => {
  $("many").disabled = true;
  const results = await Promise.all(Array.from({ length: 10 }, () => ask("GET")));
  $("many").disabled = false;
  take(results.reduce((best, one) => ((one.content?.visits ?? -1) > (best.content?.visits ?? -1) ? one : best)));
};
setInterval(tick, 250);
ask("GET").then(take);
