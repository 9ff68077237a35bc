// @ts-check
/** The lines of the chart, out of answers: a value and a text for each point, and for what it is compared with. */
import { formatCount, formatShort } from './format.js';

/**
 * @typedef {object} Bucket
 * @property {string} key
 * @property {string} label
 * @property {string} [to]
 * @property {boolean} isPart
 * @property {boolean} isUnderWay
 * @property {boolean} isAhead
 */

/**
 * @typedef {object} Line
 * @property {readonly Bucket[]} buckets
 * @property {readonly (number | null)[]} values
 * @property {readonly string[]} texts
 */

/**
 * What each point of a line is compared with; nothing where there is none.
 * @typedef {object} LineBefore
 * @property {readonly (Bucket | undefined)[]} buckets
 * @property {readonly (number | null)[]} values
 * @property {readonly string[]} texts
 */

/** @param {any} data @param {import('./measures.js').Measure} measure */
export function linesOf({ series, before, pairs }, measure) {
  return {
    line: lineOf(series, measure),
    before: before === null ? null : paired(lineOf(before, measure), pairs),
    tick: measure.tick,
  };
}

/** @param {any} series @param {import('./measures.js').Measure} measure @returns {Line} */
function lineOf({ buckets, points, revenue }, measure) {
  const figures = points.map((/** @type {any} */ point, /** @type {number} */ index) => ({
    ...point,
    revenue: revenue.map((/** @type {any} */ { currency, byBucket }) => ({
      currency,
      total: byBucket[index],
    })),
  }));
  return { buckets, values: figures.map(measure.valueOf), texts: figures.map(measure.textOf) };
}

/** Of one page or event. @param {any} data */
export function linesOfOne(data) {
  return {
    line: lineOfOne(data),
    before: data.before === null ? null : paired(lineOfOne(data.before), data.pairs),
    tick: formatShort,
  };
}

/** @param {any} counted @returns {Line} */
function lineOfOne({ buckets, counts }) {
  return { buckets, values: counts, texts: counts.map(formatCount) };
}

/**
 * Put in the order of the points that it is compared with.
 * @param {Line} line
 * @param {readonly (number | null)[]} pairs by point of the other line: an index of this one
 * @returns {LineBefore}
 */
function paired({ buckets, values, texts }, pairs) {
  return {
    buckets: pairs.map((index) => (index === null ? undefined : buckets[index])),
    values: pairs.map((index) => (index === null ? null : (values[index] ?? null))),
    texts: pairs.map((index) => (index === null ? '' : (texts[index] ?? ''))),
  };
}
