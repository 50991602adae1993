/** Numbers with units, short enough for a table. */

const DECIMAL = ["", "k", "M", "G"];
const BINARY = ["B", "KiB", "MiB", "GiB"];

/** Three digits. @param {number} value */
const digits = (value) => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3).replace(/\.?0+$/, ""));

/** @param {number} value @param {number} base @param {string[]} names @param {string} [rest] */
function scaled(value, base, names, rest = "") {
  let step = 0;
  let left = value;
  for (; Math.abs(left) >= base && step < names.length - 1; step++) left /= base;
  return `${digits(left)} ${names[step]}${rest}`;
}

/** @param {number} value @param {string} unit as in the contract */
export function format(value, unit) {
  if (unit === "B/s") return scaled(value, 1000, ["B/s", "kB/s", "MB/s", "GB/s"]);
  if (unit === "/s") return `${scaled(value, 1000, DECIMAL).trim()}/s`;
  if (unit === "B") return scaled(value, 1024, BINARY);
  if (unit === "%") return `${value.toFixed(2)}%`;
  if (unit !== "s") return value === 0 ? "0" : digits(value);
  if (value === 0) return "0";
  const names = [
    [1, "s"],
    [1e-3, "ms"],
    [1e-6, "µs"],
    [1e-9, "ns"],
  ];
  const [size, name] = names.find(([size]) => value >= /** @type {number} */ (size)) ?? [1e-9, "ns"];
  return `${digits(value / /** @type {number} */ (size))} ${name}`;
}

/** @param {number} value */
export const ratio = (value) =>
  `${value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)}×`;
