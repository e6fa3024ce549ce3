/** Fills the page: says and draws how plotly came here, and every second how it has gone on since. */

import { drawStrip, drawSwarm } from "./charts.js";
import { counted, inBytes, inCopies, inSeconds, listed } from "./wording.js";

const REFRESH_MS = 1000;

const { bundle, swarm: swarmUrl, arrived: arrivedUrl } = document.body.dataset;
const find = (id) => document.getElementById(id);
const record = ownRecord();
let shown = "";

tell();
refresh();
setInterval(() => document.hidden || refresh(), REFRESH_MS);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showAgain);
new ResizeObserver(showAgain).observe(find("swarm-chart"));

/** ViralJS's own record, or where the server left this browser alone, what the browser says of the request. */
function ownRecord() {
  const url = new URL(bundle, location.href);
  const known = window.ViralJS?.deliveries.find((delivery) => new URL(delivery.url).pathname === url.pathname);
  if (known) return known;
  const [timing] = performance.getEntriesByType("resource").filter(({ name }) => name.startsWith(url.href));
  return { milliseconds: Math.round(timing?.duration ?? 0) };
}

/** Tell the server what only this page knows. */
function tell() {
  const body = JSON.stringify({ milliseconds: record.milliseconds });
  fetch(arrivedUrl, { method: "POST", headers: { "Content-Type": "application/json" }, body }).then(refresh, () => {});
}

async function refresh() {
  try {
    const text = await (await fetch(swarmUrl)).text();
    find("status").textContent = "";
    if (text === shown) return;
    shown = text;
    show(JSON.parse(text));
  } catch (error) {
    console.debug(error);
    find("status").textContent = "The server does not answer any more. This is how things stood.";
  }
}

/** Nothing new came, but the page looks different. */
function showAgain() {
  if (shown) show(JSON.parse(shown));
}

function show(swarm) {
  const own = swarm.visitors[swarm.you - 1];
  if (own) showOwn(own, swarm);
  if (swarm.visitors.length) showAll(swarm);
  const seeding = swarm.visitors.filter(({ state }) => state === "seeding").length;
  document.body.dataset.drawn = `${seeding} of ${swarm.visitors.length} seeding`;
}

function showOwn(own, { size }) {
  const peers = own.fromPeers.map(({ visitor, bytes }) => ({ name: `visitor ${visitor}`, bytes, paint: "peers" }));
  const parts = [
    ...peers,
    { name: "the origin", bytes: own.fromServer, paint: "server" },
    { name: "your browser’s cache", bytes: own.fromCache, paint: "cache" },
  ].filter(({ bytes }) => bytes);
  fill(find("delivery"), ...ownSentence(own, size));
  drawStrip(find("copy-chart"), parts);
  find("copy-chart").ariaLabel =
    `Your copy: ${listed(parts.map(({ name, bytes }) => `${inBytes(bytes)} from ${name}`))}.`;
  find("copy-note").textContent = ownNote(own, size);
}

function ownNote({ kind, originBytes, fromServer }, size) {
  if (kind === "thin" && fromServer)
    return `The origin sent what visitors did not bring in time: ${inBytes(originBytes)} with the thin client.`;
  if (kind === "thin") return `In its place the origin sent you ${inBytes(originBytes)}, thin client and hashes.`;
  if (kind === "full")
    return `Nobody near had it yet; ${inBytes(originBytes - size)} more came with it and make you a seeder.`;
  if (kind === "not-modified") return "The origin had only to say that it has not changed.";
  return `The origin left this browser alone (${kind}).`;
}

function ownSentence(own, size) {
  const time = own.milliseconds === null ? "" : ` in ${inSeconds(own.milliseconds)}`;
  const others = counted(own.fromPeers.length, "other visitor");
  if (own.fromCache) return [`These ${inBytes(size)} came from your browser’s cache${time}.`];
  if (!own.fromPeers.length) return [`These ${inBytes(size)} came from `, { server: "the origin server" }, `${time}.`];
  if (!own.fromServer) return [`These ${inBytes(size)} came from `, { peers: others }, `${time}.`];
  const given = inBytes(size - own.fromServer);
  return [
    `${given} of these ${inBytes(size)} came from `,
    { peers: others },
    ", the rest from ",
    { server: "the origin server" },
    `${time}.`,
  ];
}

function showAll(swarm) {
  const { size, sent, plain, saved, visitors } = swarm;
  const fromPeers = visitors.flatMap((visitor) => visitor.fromPeers).reduce((sum, { bytes }) => sum + bytes, 0);
  const copies = inCopies(sent, size);
  fill(
    find("origin"),
    "The origin has sent ",
    { server: copies },
    ` for ${counted(visitors.length, "visitor")}`,
    ...(saved > 0 ? [" and saved ", { peers: inBytes(saved) }, "."] : ["; the next can have it from you."]),
  );
  const parts = [
    { name: "the origin sent", bytes: sent, paint: "server" },
    { name: "visitors sent", bytes: fromPeers, paint: "peers" },
  ].filter(({ bytes }) => bytes);
  drawStrip(find("origin-chart"), parts);
  find("origin-chart").ariaLabel =
    `All copies: ${listed(parts.map(({ name, bytes }) => `${name} ${inBytes(bytes)}`))}.`;
  find("origin-note").textContent =
    `By plain HTTP the origin would have sent ${inBytes(plain)}; everything that it sent is counted, thin clients included.`;
  drawSwarm(find("swarm-chart"), swarm);
  find("swarm-chart").ariaLabel = visitors.map((one) => `Visitor ${one.number} got it from ${sources(one)}.`).join(" ");
  find("swarm-note").textContent =
    "In the order of arrival, so that bytes flow from left to right. A wider arc has carried more; a hollow visitor does not seed.";
  find("visitors").replaceChildren(...visitors.map((visitor) => row(visitor, swarm.you)).reverse());
}

/** @returns {string} such as "visitor 1 (2.41 MB) and visitor 2 (2.41 MB)" */
function sources({ fromPeers, fromServer, fromCache }) {
  const parts = fromPeers.map(({ visitor, bytes }) => `visitor ${visitor} (${inBytes(bytes)})`);
  if (fromServer) parts.push(`the origin (${inBytes(fromServer)})`);
  if (fromCache) parts.push("its own cache");
  return listed(parts) || "somewhere";
}

function row(visitor, you) {
  const cells = [
    ["th", visitor.number === you ? `${visitor.number}, you` : visitor.number],
    ["td", sources(visitor)],
    ["td", visitor.milliseconds === null ? "" : inSeconds(visitor.milliseconds), "number"],
    ["td", inBytes(visitor.originBytes), "number"],
    ["td", visitor.state],
  ];
  const line = element("tr", "", `${visitor.number === you ? "you" : ""} ${visitor.state}`);
  line.append(...cells.map(([tag, text, name]) => element(tag, text, name)));
  line.firstChild.scope = "row";
  return line;
}

/**
 * @param {string} tag
 * @param {string | number} text
 * @param {string} [className]
 */
const element = (tag, text, className = "") =>
  Object.assign(document.createElement(tag), { textContent: text, className });

/**
 * Fill an element with words, some of them in the colour of who paid for the bytes.
 *
 * @param {HTMLElement} target
 * @param {...(string | {peers?: string, server?: string})} parts
 */
function fill(target, ...parts) {
  const pieces = parts.map((part) => {
    if (typeof part === "string") return part;
    const [[className, text]] = Object.entries(part);
    return element("b", text, className);
  });
  // Untouched where nothing changed: it is a live region, which is read out at each change.
  const after = element("p", "");
  after.append(...pieces);
  if (after.innerHTML !== target.innerHTML) target.replaceChildren(...after.childNodes);
}
