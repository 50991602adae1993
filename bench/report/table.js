/** The table that a run prints: medians, half the distance of the quartiles as spread, and ringnet's ratios. */
import { format, ratio } from "./format.js";

/** @typedef {import("./statistics.js").Summary} Summary */
/** @typedef {{ load: string, metric: import("../contenders/contract.js").Metric, by: Record<string, Summary> }} Row */

/** @param {Summary | undefined} summary @param {string} unit */
function cell(summary, unit) {
  if (!summary) return "–";
  const { median, quartiles } = summary;
  const spread = median === 0 ? 0 : (Math.abs(quartiles[1] - quartiles[0]) / 2 / Math.abs(median)) * 100;
  return `${format(median, unit)} ±${spread.toFixed(0)}%`;
}

/** How many times better ringnet is than `other`, whatever way the metric points. @param {Row} row @param {string} other */
function advantage({ metric, by }, other) {
  const own = by.ringnet?.median;
  const theirs = by[other]?.median;
  if (!own || !theirs || own < 0 || theirs < 0) return "–";
  return ratio(metric.better === "higher" ? own / theirs : theirs / own);
}

/**
 * @param {Row[]} rows @param {{ name: string, title: string }[]} contenders
 * @param {string[]} rivals names of contenders with a column of ratios
 * @returns {string[][]} with a head
 */
export function tableCells(rows, contenders, rivals) {
  const against = contenders.filter(({ name }) => rivals.includes(name));
  const head = ["", ...contenders.map(({ title }) => title), ...against.map(({ title }) => `better than ${title}`)];
  const body = rows.map((row) => [
    row.metric.label,
    ...contenders.map(({ name }) => cell(row.by[name], row.metric.unit)),
    ...against.map(({ name }) => advantage(row, name)),
  ]);
  return [head, ...body];
}

/** @param {string[][]} cells @returns {string} */
export function layOut(cells) {
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0))) ?? [];
  return cells
    .map((row) =>
      row
        .map((text, column) => (column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0)))
        .join("  "),
    )
    .join("\n");
}

/** The same for a README. @param {string[][]} cells */
export function markdown(cells) {
  const [head = [], ...body] = cells;
  const line = (/** @type {string[]} */ row) => `| ${row.join(" | ")} |`;
  return [line(head), line(head.map((_, column) => (column === 0 ? "---" : "---:"))), ...body.map(line)].join("\n");
}
