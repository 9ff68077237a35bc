// @ts-check
/** The measures that the cards show and the chart draws. */
import { formatCount, formatMoney, formatRate, formatSeconds, formatShort } from './format.js';

/**
 * @typedef {object} Measure
 * @property {string} key as it stands in the address
 * @property {string} title
 * @property {string} help what it counts, in a sentence
 * @property {(figures: any) => number | null} valueOf a point of the chart, or a total
 * @property {(figures: any) => string} textOf
 * @property {(value: number) => string} tick
 * @property {'share' | 'count'} kind how a change is told: in points or in percent
 */

/** @param {string} key @param {string} title @param {string} help @returns {Measure} */
const count = (key, title, help) => ({
  key,
  title,
  help,
  valueOf: (figures) => figures[key],
  textOf: (figures) => formatCount(figures[key]),
  tick: formatShort,
  kind: 'count',
});

/** @param {string} key @param {string} title @param {string} help @returns {Measure} */
const rate = (key, title, help) => ({
  key,
  title,
  help,
  valueOf: (figures) => figures[key],
  textOf: (figures) => formatRate(figures[key]),
  tick: formatRate,
  kind: 'share',
});

/** @type {readonly Measure[]} */
export const MEASURES = [
  count('visitors', 'Visitors', 'Distinct visitors of the whole range, each counted once'),
  count('sessions', 'Sessions', 'Sessions whose first event lies in the range'),
  count('pageViews', 'Page views', 'Pages that were looked at'),
  rate('bounceRate', 'Bounce rate', 'Sessions with exactly one page view and no conversion'),
  rate(
    'engagementRate',
    'Engagement rate',
    'Sessions of at least 10 seconds, or with 2 page views, or a conversion',
  ),
  {
    key: 'averageSeconds',
    title: 'Average duration',
    help: 'From the first to the last event of a session',
    valueOf: (figures) => figures.averageSeconds,
    textOf: (figures) => formatSeconds(figures.averageSeconds),
    tick: formatSeconds,
    kind: 'count',
  },
  count('conversions', 'Conversions', 'Purchases and conversions'),
];

/**
 * Revenue of one currency. What is drawn is a number of the browser's; what is written is exact.
 * @param {string} currency
 * @returns {Measure}
 */
export function revenueIn(currency) {
  /** @param {any} figures */
  const amount = (figures) =>
    figures.revenue?.find((/** @type {any} */ one) => one.currency === currency)?.total ?? '0';
  return {
    key: `revenue-${currency}`,
    title: currency === '(none)' ? 'Revenue, no currency' : `Revenue ${currency}`,
    help: `What purchases and conversions in ${currency} brought, refunds taken off`,
    valueOf: (figures) => Number(amount(figures)),
    textOf: (figures) => formatMoney(amount(figures), currency),
    tick: formatShort,
    kind: 'count',
  };
}

/**
 * How a value has changed, in words that need no colour: `+12 %`, `−2.1 points`.
 * @param {Measure} measure
 * @param {any} now
 * @param {any} before
 */
export function changeOf(measure, now, before) {
  const a = measure.valueOf(now);
  const b = measure.valueOf(before);
  if (a === null || b === null) return undefined;
  if (measure.kind === 'share') return told((a - b) * 100, 1, ' points');
  if (b === 0) return undefined;
  return told(((a - b) / Math.abs(b)) * 100, Math.abs(a / b - 1) < 0.1 ? 1 : 0, ' %');
}

/** @param {number} value @param {number} digits @param {string} unit */
function told(value, digits, unit) {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return `±0${unit}`;
  return `${value < 0 ? '−' : '+'}${text}${unit}`;
}
