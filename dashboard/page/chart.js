// @ts-check
/** The chart: a line for what was asked for, a dashed one for what it is compared with, and the same as a table. */
import { html, useEffect, useRef, useState } from '/vendor/htm/standalone.module.js';
import uPlot from '/vendor/uplot/uPlot.esm.js';
import { formatBefore, formatBucket, formatTick } from './format.js';

/** @typedef {import('./lines.js').Line} Line */
/** @typedef {import('./lines.js').LineBefore} LineBefore */

/**
 * @param {{ title: string, unit: string, line: Line, before: LineBefore | null, missing: string | null, tick: (value: number) => string }} props `missing`: why there is no `before`
 */
export function Chart({ title, unit, line, before, missing, tick }) {
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  const [at, setAt] = useState(/** @type {number | null} */ (null));
  const drawn = JSON.stringify([line, before, unit, title]);

  useEffect(() => {
    const target = place.current;
    if (target === null) return undefined;
    const plot = draw(target, { line, before, tick, setAt });
    const observer = new ResizeObserver(() => {
      plot.setSize(sizeOf(target));
    });
    observer.observe(target);
    const redraw = () => {
      plot.redraw(false);
    };
    const themes = new MutationObserver(redraw);
    themes.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    return () => {
      observer.disconnect();
      themes.disconnect();
      plot.destroy();
    };
  }, [drawn]);

  const index = at !== null && at < line.buckets.length ? at : null;
  const shown = index === null ? undefined : line.buckets[index];
  return html`
    <div class="chart">
      <p class="reading" aria-hidden="true">
        ${
          shown === undefined || index === null
            ? html`<span class="key now">${title}</span>${
                  before && html` <span class="key before">Before</span>`
                }`
            : html`<strong>${formatBucket(shown, unit)}</strong>
                <span class="key now">${shown.isAhead ? 'not yet' : line.texts[index]}</span>
                ${
                  before?.buckets[index] &&
                  html`<span class="key before">${textBefore(before, index, unit)}</span>`
                }`
        }
      </p>
      <div class="plot" ref=${place} role="img" aria-label=${spoken(title, unit, line)}></div>
      <details class="as-table">
        <summary>Show as a table</summary>
        <div class="scroll" tabindex="0" role="region" aria-label="${title}, as a table">
          <table>
            <caption class="visually-hidden">
              ${title}
            </caption>
            <thead>
              <tr>
                <th scope="col">${COLUMN[unit] ?? 'Day'}</th>
                <th scope="col" class="number">${title}</th>
                ${(before || missing) && html`<th scope="col" class="number">Before</th>`}
              </tr>
            </thead>
            <tbody>
              ${line.buckets.map(
                (bucket, row) =>
                  html`<tr key=${bucket.key}>
                    <th scope="row">${formatBucket(bucket, unit)}</th>
                    <td class="number">${bucket.isAhead ? 'not yet' : line.texts[row]}</td>
                    ${(before || missing) && html`<td class="number">${before === null ? missing : textBefore(before, row, unit)}</td>`}
                  </tr>`,
              )}
            </tbody>
          </table>
        </div>
      </details>
    </div>
  `;
}

/** With its own days: those of weeks and months before may be cut at other places. @param {LineBefore} before @param {number} row @param {string} unit */
function textBefore({ buckets, texts }, row, unit) {
  const bucket = buckets[row];
  return bucket === undefined ? 'none' : `${texts[row]}, ${formatBefore(bucket, unit)}`;
}

/** @type {Readonly<Record<string, string>>} */
const COLUMN = { hour: 'Hour', day: 'Day', week: 'Week', month: 'Month' };

/** @param {string} title @param {string} unit @param {Line} line */
function spoken(title, unit, { buckets, values, texts }) {
  const known = values.flatMap((value, index) => (value === null ? [] : [{ value, index }]));
  const most = known.reduce(
    (a, b) => (b.value > a.value ? b : a),
    known[0] ?? { value: 0, index: 0 },
  );
  const bucket = buckets[most.index];
  const peak =
    bucket === undefined ? '' : ` Highest: ${texts[most.index]}, ${formatBucket(bucket, unit)}.`;
  return `Chart: ${title} by ${unit}, ${buckets.length} points.${peak} The table below has all of them.`;
}

/** @param {HTMLElement} target */
const sizeOf = (target) => ({
  width: target.clientWidth || 300,
  height: target.clientHeight || 240,
});

/** A colour of the page, as it is now. @param {string} name */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/**
 * The x axis counts points; their names come from the server, so that no time zone of the browser's is in it.
 * @param {HTMLElement} target
 * @param {{ line: Line, before: LineBefore | null, tick: (value: number) => string, setAt: (at: number | null) => void }} options
 */
function draw(target, { line, before, tick, setAt }) {
  const points = line.buckets.map((_, index) => index);
  const values = line.values.map((value, index) => (line.buckets[index]?.isAhead ? null : value));
  const previous = before === null ? [] : [points.map((index) => before.values[index] ?? null)];
  const few = line.buckets.length <= 2;
  /** @type {uPlot.Options} */
  const options = {
    ...sizeOf(target),
    legend: { show: false },
    cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
    scales: {
      x: { time: false, range: (_u, min, max) => [min - 0.3, max + 0.3] },
      y: { range: { min: { pad: 0, soft: 0, mode: 1 }, max: { pad: 0.15, soft: 0, mode: 2 } } },
    },
    axes: [
      {
        stroke: () => colour('--quiet'),
        grid: { show: false },
        ticks: { show: false },
        font: '12px system-ui, sans-serif',
        size: 28,
        incrs: [1, 2, 3, 4, 6, 7, 12, 14, 24, 28, 30, 60, 90, 180, 365],
        space: 64,
        values: (_u, splits) =>
          splits.map((at) =>
            Number.isInteger(at) && line.buckets[at] ? formatTick(line.buckets[at].label) : '',
          ),
      },
      {
        stroke: () => colour('--quiet'),
        grid: { stroke: () => colour('--line'), width: 1 },
        ticks: { show: false },
        font: '12px system-ui, sans-serif',
        size: 58,
        values: (_u, splits) => splits.map((value) => tick(value)),
      },
    ],
    series: [
      {},
      {
        stroke: () => colour('--accent'),
        fill: () => colour('--accent-faint'),
        width: 2,
        points: { show: few, size: 8, fill: () => colour('--accent') },
        spanGaps: false,
      },
      ...previous.map(() => ({
        stroke: () => colour('--before'),
        dash: [5, 4],
        width: 1.5,
        points: { show: few, size: 6 },
      })),
    ],
    hooks: {
      setCursor: [(u) => setAt(u.cursor.idx ?? null)],
    },
  };
  return new uPlot(options, [points, values, ...previous], target);
}
