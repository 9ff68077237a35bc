/** Texts that stand where an id should: the border and the maps of trackers tell them alike. */

/** What broken programs write where they have no id. */
const NO_IDS: ReadonlySet<string> = new Set([
  'undefined',
  'null',
  'NaN',
  'None',
  '[object Object]',
]);

/** Whether a broken program writes this text for nothing. */
export function isNoId(text: string): boolean {
  return NO_IDS.has(text);
}

/** As Python's str.isprintable: no control, format or unassigned characters, no separators but the space. */
export function isPrintable(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text) || !/[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u.test(text);
}
