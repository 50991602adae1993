/** Charts as plain SVG: small panels, each with one metric and a bar for each contender, on a scale of its own. */
import { format } from "./format.js";

/** @typedef {import("./table.js").Row} Row */

/** The panels of each file, as `load.metric`. */
const CHARTS = {
  throughput: [
    "download.64KiB",
    "upload.64KiB",
    "tls-bulk.download",
    "tls-bulk.upload",
    "stream.writes",
    "datagrams-out.sent",
  ],
  latency: ["echo.p50", "echo.p99", "tls-echo.p50", "frames.look", "frames.poll-10000", "cold-start.wall"],
  connections: [
    "requests.1",
    "requests.10",
    "requests.100",
    "requests.1000",
    "connects.connections",
    "accepts.connections",
  ],
};

const COLUMNS = 2;
const PANEL = { width: 430, bar: 18, gap: 5, head: 30, foot: 16 };
const LABEL = 74;
const VALUE = 86;

/** @param {string} text */
const escaped = (text) => text.replace(/[&<>]/g, (found) => `&#${found.charCodeAt(0)};`);

/**
 * @param {Row} row @param {{ name: string, title: string }[]} contenders @param {number} x @param {number} y
 */
function panel({ metric, by }, contenders, x, y) {
  const shown = contenders.filter(({ name }) => by[name]);
  const most = Math.max(...shown.map(({ name }) => by[name]?.median ?? 0));
  const room = PANEL.width - LABEL - VALUE - 20;
  const note = metric.better === "higher" ? "more is better" : "less is better";
  const bars = shown.map(({ name, title }, index) => {
    const top = y + PANEL.head + index * (PANEL.bar + PANEL.gap);
    const median = by[name]?.median ?? 0;
    const width = Math.max(1, (median / most) * room);
    const middle = top + PANEL.bar - 5;
    return [
      `<text x="${x + LABEL - 6}" y="${middle}" text-anchor="end">${escaped(title)}</text>`,
      `<rect x="${x + LABEL}" y="${top}" width="${width.toFixed(1)}" height="${PANEL.bar}" rx="2" class="${name === "ringnet" ? "own" : "other"}"/>`,
      `<text x="${(x + LABEL + width + 6).toFixed(1)}" y="${middle}">${escaped(format(median, metric.unit))}</text>`,
    ].join("");
  });
  const title = `<text x="${x}" y="${y + 16}" class="title">${escaped(metric.label)} <tspan class="note">${note}</tspan></text>`;
  return [title, ...bars].join("\n");
}

/** Height of a line of the caption. */
const NOTE = 14;

/** @param {Row[]} rows @param {{ name: string, title: string }[]} contenders @param {string[]} caption its lines */
function chart(rows, contenders, caption) {
  const height = PANEL.head + contenders.length * (PANEL.bar + PANEL.gap) + PANEL.foot;
  const total = Math.ceil(rows.length / COLUMNS) * height + 10 + NOTE * caption.length;
  const width = COLUMNS * PANEL.width;
  const panels = rows.map((row, index) =>
    panel(row, contenders, 8 + (index % COLUMNS) * PANEL.width, Math.floor(index / COLUMNS) * height),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${total}" width="${width}" height="${total}" font-family="system-ui, sans-serif" font-size="12">
<style>
  svg { background: #ffffff; }
  text { fill: #24292f; } .title { font-weight: 600; font-size: 13px; } .note { font-weight: 400; font-size: 11px; fill: #6e7781; }
  .own { fill: #1f6feb; } .other { fill: #9aa4ae; }
</style>
<rect width="${width}" height="${total}" fill="#ffffff"/>
${panels.join("\n")}
${caption.map((line, index) => `<text x="8" y="${total - 8 - NOTE * (caption.length - 1 - index)}" class="note">${escaped(line)}</text>`).join("\n")}
</svg>
`;
}

/**
 * The charts that these rows suffice for.
 * @param {Row[]} rows @param {{ name: string, title: string }[]} contenders @param {string[]} caption its lines
 * @returns {Record<string, string>} SVG by file name
 */
export function drawCharts(rows, contenders, caption) {
  /** @type {Record<string, string>} */
  const files = {};
  for (const [name, ids] of Object.entries(CHARTS)) {
    const chosen = ids.flatMap((id) => rows.filter(({ load, metric }) => `${load}.${metric.id}` === id));
    if (chosen.length > 0) files[`${name}.svg`] = chart(chosen, contenders, caption);
  }
  return files;
}
