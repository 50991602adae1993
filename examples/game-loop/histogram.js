// Draws a histogram of times as SVG: one bar for each of some ranges, which double in width, and a mark for the frame's end.

const WIDTH = 800;
const HEIGHT = 360;
const MARGIN = { left: 60, right: 20, top: 64, bottom: 60 };
const FRAME_US = 1_000_000 / 60;

/** Upper ends of the ranges, in µs: four for each doubling, from 8 µs to two frames. */
function ranges() {
  const ends = [];
  for (let end = 8; end < 2 * FRAME_US; end *= 2 ** 0.25) ends.push(end);
  return ends;
}

const text = (x, y, content, more = "") => `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${content}</text>`;
const line = (x1, y1, x2, y2, color) =>
  `<line x1="${x1.toFixed(1)}" y1="${y1}" x2="${x2.toFixed(1)}" y2="${y2}" stroke="${color}"/>`;

/** The SVG of `times`, which are in ms. */
export function drawHistogram(times, title) {
  const ends = ranges();
  const counts = new Array(ends.length).fill(0);
  for (const time of times) {
    const index = ends.findIndex((end) => time * 1000 < end);
    counts[index < 0 ? ends.length - 1 : index]++;
  }
  const plot = { width: WIDTH - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom };
  const bottom = MARGIN.top + plot.height;
  const most = Math.max(1, ...counts);
  const bar = plot.width / ends.length;
  const xOf = (us) => MARGIN.left + bar * Math.max(0, Math.log2(us / 8) * 4 + 1);

  const bars = counts.map((count, index) => {
    if (count === 0) return "";
    // The square root keeps a single slow frame visible beside hundreds of quick ones.
    const height = Math.max(2, Math.sqrt(count / most) * plot.height);
    const x = MARGIN.left + index * bar;
    const what = `<title>${count} of ${times.length} below ${Math.round(ends[index])} µs</title>`;
    return `<rect x="${(x + 1).toFixed(1)}" y="${(bottom - height).toFixed(1)}" width="${(bar - 2).toFixed(1)}" height="${height.toFixed(1)}">${what}</rect>`;
  });
  const labels = [10, 100, 1000, 10_000].flatMap((us) => [
    line(xOf(us), bottom, xOf(us), bottom + 5, "#888"),
    text(xOf(us), bottom + 20, us < 1000 ? `${us} µs` : `${us / 1000} ms`, 'text-anchor="middle"'),
  ]);
  const heights = [0, 0.25, 1].map((part) =>
    text(MARGIN.left - 8, bottom - Math.sqrt(part) * plot.height + 4, Math.round(part * most), 'text-anchor="end"'),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
${text(MARGIN.left, 28, title, 'font-size="16"')}
<g fill="#3572a5">
${bars.filter((each) => each !== "").join("\n")}
</g>
${line(MARGIN.left, bottom, WIDTH - MARGIN.right, bottom, "#888")}
${labels.join("\n")}
${heights.join("\n")}
${line(xOf(FRAME_US), MARGIN.top, xOf(FRAME_US), bottom, "#c33")}
${text(xOf(FRAME_US) - 5, MARGIN.top + 12, "a frame, 16.7 ms", 'text-anchor="end" fill="#c33"')}
${text(MARGIN.left + plot.width / 2, HEIGHT - 12, "time (each bar a fourth of a doubling)", 'text-anchor="middle"')}
${text(14, MARGIN.top - 14, "frames (square root)")}
</svg>
`;
}
