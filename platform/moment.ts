/** Times as an operator types them. Kept free of what takes time to load: help needs it. */

const MOMENT = /^(\d{4}-\d\d-(\d\d))(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d))?$/;

/**
 * @returns epoch milliseconds of a day (where it begins in UTC) or of a time with its zone; undefined for anything
 *   else, and for a day that its month does not have: `Date` takes 30 February for 2 March
 */
export function parseMoment(text: string): number | undefined {
  const [, date = '', day] = MOMENT.exec(text) ?? [];
  const at = Date.parse(text);
  return Number.isNaN(at) || new Date(date).getUTCDate() !== Number(day) ? undefined : at;
}
