/** Durations as people write them: `30m`, `10s`, `500ms`. */

export const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of a duration such as `30m`, `10s`, `500ms`; undefined for any other text. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,16})(?:\.(\d{1,16}))?(ms|s|m|h|d)$/.exec(text.trim());
  if (match === null) return undefined;
  const [, whole = '', part = '', unit] = match;
  // In whole numbers: as a float, 1.1 h is a little more than 3,960,000 ms, and so would be none.
  const scaled = BigInt(whole + part) * BigInt(UNITS_MS[unit as keyof typeof UNITS_MS]);
  const scale = 10n ** BigInt(part.length);
  const ms = Number(scaled / scale);
  return scaled % scale === 0n && Number.isSafeInteger(ms) ? ms : undefined;
}
