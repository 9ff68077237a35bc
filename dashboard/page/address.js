// @ts-check
/**
 * What is looked at stands in the address, all of it: a link shows the same. The server reads the same
 * parameters (dashboard/address.ts); those in OWN it leaves alone.
 */

/** How it is shown, which does not change what is counted. */
const OWN = new Set([
  'measure',
  'origins',
  'pages',
  'places',
  'devices',
  'own',
  'more',
  'of',
  'name',
  'session',
  'run',
]);

/** What sessions can be filtered by, and how it is called. */
export const DIMENSIONS = /** @type {Readonly<Record<string, string>>} */ ({
  channel: 'Channel',
  source: 'Source',
  medium: 'Medium',
  campaign: 'Campaign',
  term: 'Term',
  content: 'Content',
  referrer: 'Referrer',
  entry: 'Entry page',
  exit: 'Exit page',
  country: 'Country',
  language: 'Language',
  device: 'Device',
  browser: 'Browser',
  os: 'System',
  screen: 'Screen',
  version: 'App version',
});

/** @param {string} name @returns {string} */
export function dimensionTitle(name) {
  return DIMENSIONS[name] ?? name.replace(/^dim\./, '');
}

/** @param {string} name */
export function isDimension(name) {
  return Object.hasOwn(DIMENSIONS, name) || name.startsWith('dim.');
}

/** @typedef {Readonly<Record<string, string | readonly string[] | undefined>>} Changes */

/**
 * The address with some parameters changed; undefined takes one away.
 * @param {URLSearchParams} address
 * @param {Changes} changes
 */
export function changed(address, changes) {
  const next = new URLSearchParams(address);
  for (const [name, value] of Object.entries(changes)) {
    next.delete(name);
    for (const one of value === undefined ? [] : [value].flat()) next.append(name, one);
  }
  return next;
}

/**
 * Adds a value to a filter, or takes it away where it is there.
 * @param {URLSearchParams} address
 * @param {string} dimension
 * @param {string} value
 */
export function toggled(address, dimension, value) {
  const values = address.getAll(dimension);
  const next = values.includes(value) ? values.filter((one) => one !== value) : [...values, value];
  // A filter and the look at one page or event go two ways.
  return changed(address, { [dimension]: next, of: undefined, name: undefined });
}

/**
 * Filters as pairs of dimension and value.
 * @param {URLSearchParams} address
 */
export function filtersOf(address) {
  return [...address].filter(([name]) => isDimension(name));
}

/**
 * What the server has to know.
 * @param {URLSearchParams} address
 * @param {Changes} [more]
 */
export function queryOf(address, more = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of address) if (!OWN.has(name)) query.append(name, value);
  return changed(query, more).toString();
}

/** @param {URLSearchParams} address */
export function hrefOf(address) {
  return `/?${address.toString()}`;
}
