/** The three charts, drawn with plotly, which has come by the way that they show. */

import { inBytes } from "./wording.js";

const CONFIG = { displayModeBar: false };
/** Pixels, as are all widths and sizes here; of a wide chart, and less where there is no room. */
const WIDEST_ARC = 12;
const NARROWEST_ARC = 1.5;
const LARGEST_NODE = 36;
const OUTLINE = 2;
const LARGEST_ORIGIN = 58;
const SMALLEST_NODE_WITH_NUMBER = 20;
const SMALLEST_STEP_WITH_BYTES = 84;
const ARC_POINTS = 60;
/** Visitors; of more, the latest are drawn. */
const MOST_DRAWN = 40;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const font = () => ({ family: getComputedStyle(document.body).fontFamily, size: 14, color: colour("ink") });

const layout = (element, more) => ({
  width: element.clientWidth,
  height: element.clientHeight,
  font: font(),
  paper_bgcolor: "rgba(0,0,0,0)",
  plot_bgcolor: "rgba(0,0,0,0)",
  showlegend: false,
  dragmode: false,
  margin: { l: 0, r: 0, t: 0, b: 0 },
  hoverlabel: { font: font(), bgcolor: colour("paper"), bordercolor: colour("line") },
  ...more,
});

const hiddenAxis = (range) => ({ visible: false, fixedrange: true, range });

/**
 * Draw parts of a whole in one bar.
 *
 * @param {HTMLElement} element
 * @param {{name: string, bytes: number, paint: string}[]} parts `paint` is the name of a colour
 */
export function drawStrip(element, parts) {
  const total = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  const traces = parts.map(({ name, bytes, paint }) => ({
    type: "bar",
    orientation: "h",
    x: [bytes],
    y: [0],
    width: 1,
    text: [`<b>${name}</b><br>${inBytes(bytes)}`],
    textposition: "inside",
    insidetextanchor: "middle",
    textangle: 0,
    textfont: { color: colour("on-colour") },
    hovertemplate: `${name}: ${bytes.toLocaleString("en")} bytes, %{customdata}<extra></extra>`,
    customdata: [`${((100 * bytes) / total).toFixed(1)}%`],
    marker: { color: colour(paint), line: { width: 2, color: colour("paper") } },
  }));
  window.Plotly.react(
    element,
    traces,
    layout(element, {
      barmode: "stack",
      // A pixel less at each end: there the gaps between parts are none.
      xaxis: hiddenAxis([total / element.clientWidth, total * (1 - 1 / element.clientWidth)]),
      yaxis: hiddenAxis([-0.48, 0.48]),
      // A part too small for its words goes without.
      uniformtext: { mode: "hide", minsize: 11 },
    }),
    CONFIG,
  );
}

/**
 * Draw who got it from whom: all in the order of their arrival, visitors' gifts as arcs above, the origin's below.
 *
 * @param {HTMLElement} element
 * @param {object} swarm as `swarm.json` has it
 */
export function drawSwarm(element, { size, you, visitors }) {
  const shown = visitors.slice(-MOST_DRAWN);
  const before = visitors.length - shown.length;
  const ends = { left: LARGEST_ORIGIN / 2, right: LARGEST_NODE / 2 + OUTLINE };
  const step = (element.clientWidth - ends.left - ends.right) / shown.length;
  const arcs = shown
    .flatMap(arcsTo)
    .filter(({ from }) => from === 0 || from > before)
    .map((arc) => ({
      ...arc,
      // Where both stand; the origin, 0, is always first.
      start: arc.from && arc.from - before,
      end: arc.to - before,
      width: NARROWEST_ARC + (WIDEST_ARC - NARROWEST_ARC) * Math.min(1, arc.bytes / size),
      paint: colour(arc.from ? "peers" : "server"),
    }));
  window.Plotly.react(
    element,
    [...arcs.map((arc) => arcTrace(arc, arc.to === you)), originTrace(step), visitorTrace(shown, you, step)],
    layout(element, {
      hovermode: "closest",
      margin: { l: 0, r: 0, t: 30, b: 30 },
      xaxis: hiddenAxis([-ends.left / step, shown.length + ends.right / step]),
      // An arc's line is wider than its middle.
      yaxis: hiddenAxis([1.06 * Math.min(...arcs.map(arcHeight)), 1.06 * Math.max(1, ...arcs.map(arcHeight))]),
      annotations: step < SMALLEST_STEP_WITH_BYTES ? [] : arcs.filter(({ bytes }) => bytes).map(arcLabel),
    }),
    CONFIG,
  );
}

/** What came to a visitor, and from whom; 0 is the origin, which gives everybody something. */
function arcsTo({ number, fromPeers, fromServer, originBytes }) {
  const gifts = fromPeers.map(({ visitor, bytes }) => ({ from: visitor, to: number, bytes, sent: bytes }));
  return [...gifts, { from: 0, to: number, bytes: fromServer, sent: originBytes }];
}

const arcHeight = ({ from, start, end }) => (from ? 1 : -1) * (end - start);

function arcTrace(arc, yours) {
  const { from, to, start, end, bytes, sent, width, paint } = arc;
  const turns = Array.from({ length: ARC_POINTS + 1 }, (_, at) => (Math.PI * at) / ARC_POINTS);
  return {
    type: "scatter",
    mode: "lines",
    x: turns.map((turn) => start + ((end - start) * (1 - Math.cos(turn))) / 2),
    y: turns.map((turn) => arcHeight(arc) * Math.sin(turn)),
    line: { color: paint, width, dash: bytes ? "solid" : "dot", simplify: false },
    opacity: yours ? 1 : 0.5,
    cliponaxis: false,
    hovertemplate: `${from ? `visitor ${from}` : "the origin"} → visitor ${to}: ${inBytes(sent)}<extra></extra>`,
  };
}

function arcLabel(arc) {
  const { from, start, end, bytes, width, paint } = arc;
  return {
    x: (start + end) / 2,
    y: arcHeight(arc),
    yshift: (from ? 1 : -1) * (width / 2 + 11),
    text: inBytes(bytes),
    font: { color: paint },
    bgcolor: colour("paper"),
    borderpad: 1,
    showarrow: false,
  };
}

function originTrace(step) {
  const size = Math.min(LARGEST_ORIGIN, 0.9 * step);
  return {
    type: "scatter",
    mode: "markers+text",
    x: [0],
    y: [0],
    text: [size < LARGEST_ORIGIN ? "" : "<b>origin</b>"],
    textfont: { color: colour("on-colour") },
    marker: { symbol: "square", size, color: colour("server"), opacity: 1 },
    cliponaxis: false,
    hovertemplate: "the origin<extra></extra>",
  };
}

/** Those who seed are filled, those who don't are hollow. */
function visitorTrace(visitors, you, step) {
  const size = Math.min(LARGEST_NODE, 0.8 * step);
  const own = ({ number }) => colour(number === you ? "ink" : "peers");
  const filled = ({ state }) => state === "seeding";
  const word = ({ number }) => `<b>${number === you && size === LARGEST_NODE ? "you" : number}</b>`;
  return {
    type: "scatter",
    mode: "markers+text",
    x: visitors.map((_, at) => at + 1),
    y: visitors.map(() => 0),
    text: visitors.map((visitor) => (size < SMALLEST_NODE_WITH_NUMBER ? "" : word(visitor))),
    textfont: {
      color: visitors.map((one) => (filled(one) ? colour(one.number === you ? "paper" : "on-colour") : own(one))),
    },
    marker: {
      size,
      color: visitors.map((one) => (filled(one) ? own(one) : colour("paper"))),
      line: { width: OUTLINE, color: visitors.map(own) },
      opacity: 1,
    },
    cliponaxis: false,
    hovertemplate: visitors.map(({ number, state }) => `visitor ${number}: ${state}<extra></extra>`),
  };
}
