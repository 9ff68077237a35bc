// @ts-check
/** How numbers and days are written. Days come as texts and stay what they are: no time zone of the browser's. */

const WHOLE = new Intl.NumberFormat('en');
const SHORT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const PERCENT = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1 });
const DAY = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', timeZone: 'UTC' });
const FULL_DAY = new Intl.DateTimeFormat('en', {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  timeZone: 'UTC',
});
const MONTH = new Intl.DateTimeFormat('en', { month: 'short', year: 'numeric', timeZone: 'UTC' });
const COUNTRY = new Intl.DisplayNames('en', { type: 'region', fallback: 'code' });
const LANGUAGE = new Intl.DisplayNames('en', { type: 'language', fallback: 'code' });

/** @param {number} count */
export const formatCount = (count) => WHOLE.format(count);

/** @param {number | null} rate 0 to 1 */
export const formatRate = (rate) => (rate === null ? '–' : PERCENT.format(rate));

/** @param {number | string | null} seconds */
export function formatSeconds(seconds) {
  if (seconds === null) return '–';
  const whole = Math.round(Number(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3_600)} h ${Math.floor((whole % 3_600) / 60)} min`;
}

/**
 * An exact decimal, with the places that are usual for its currency.
 * @param {string} amount
 * @param {string} currency
 */
export function formatMoney(amount, currency) {
  const exact = /** @type {any} */ (amount);
  if (/^[A-Z]{3}$/.test(currency)) {
    try {
      return new Intl.NumberFormat('en', { style: 'currency', currency }).format(exact);
    } catch {
      // No currency that this browser knows.
    }
  }
  const text = new Intl.NumberFormat('en', { maximumFractionDigits: 9 }).format(exact);
  return currency === '(none)' ? text : `${text} ${currency}`;
}

/** @param {string} day */
const dateOf = (day) => new Date(`${day}T00:00:00Z`);

/** @param {string} day */
export const formatDay = (day) => FULL_DAY.format(dateOf(day));

/** @param {{from: string, to: string}} days */
export function formatDays({ from, to }) {
  return from === to ? formatDay(from) : `${formatDay(from)} to ${formatDay(to)}`;
}

/**
 * A point of the chart, as short as an axis wants it.
 * @param {string} label
 */
export function formatTick(label) {
  if (label.length > 10) return label.slice(11, 16);
  return label.length === 7 ? MONTH.format(dateOf(`${label}-01`)) : DAY.format(dateOf(label));
}

/**
 * The same for a table.
 * @param {{label: string, isPart: boolean, isUnderWay: boolean}} bucket
 * @param {string} unit
 */
export function formatBucket({ label, isPart, isUnderWay }, unit) {
  const part = isUnderWay ? ' (so far)' : isPart ? ' (part)' : '';
  if (unit === 'hour') return `${label}${part}`;
  if (unit === 'month') return `${formatTick(label)}${part}`;
  return `${unit === 'week' ? 'Week of ' : ''}${formatDay(label)}${part}`;
}

/**
 * What a point is compared with: weeks and months with the days that are theirs in the period before.
 * @param {{key: string, label: string, to?: string}} bucket
 * @param {string} unit
 */
export function formatBefore({ key, label, to }, unit) {
  return unit === 'hour' ? label : formatDays({ from: key, to: to ?? key });
}

/**
 * What is looked at, and what it is compared with, in a sentence.
 * @param {{timeZone: string, current: {from: string, to: string}, previous: {from: string, to: string} | null, previousUntil: string | null, previousMissing: string | null, keptFrom: string | null, clocksFrom: string | null}} head
 */
export function formatPeriod({
  timeZone,
  current,
  previous,
  previousUntil,
  previousMissing,
  keptFrom,
  clocksFrom,
}) {
  const parts = [`${formatDays(current)}, days of ${timeZone}`];
  if (previous !== null) {
    const to = previousUntil === null ? previous.to : previousUntil.slice(0, 10);
    const until = previousUntil === null ? '' : ` until ${previousUntil.slice(11, 16)}`;
    parts.push(`compared with ${formatDays({ from: previous.from, to })}${until}`);
  }
  if (previousMissing !== null) parts.push('not compared');
  if (keptFrom !== null) parts.push(`days before ${formatDay(keptFrom)} are deleted`);
  if (clocksFrom !== null) {
    const year = clocksFrom.slice(0, 4);
    parts.push(`days before ${year} are told by the clocks of January ${year}`);
  }
  return parts.join('; ');
}

/** @param {number} value */
export const formatShort = (value) => SHORT.format(value);

/**
 * A value of a list, as people read it.
 * @param {string} dimension
 * @param {string} value
 */
export function formatValue(dimension, value) {
  if (value.startsWith('(')) return value;
  try {
    if (dimension === 'country' && /^[A-Za-z]{2}$/.test(value)) {
      return COUNTRY.of(value.toUpperCase()) ?? value;
    }
    if (dimension === 'language') return LANGUAGE.of(value) ?? value;
  } catch {
    // Whatever a producer has sent.
  }
  return value;
}
