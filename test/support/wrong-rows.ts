/** Compares the rows of a project with those that its events should give. */
import { publishedRows } from './published.ts';
import type { ReferenceEvent, ReferenceRows } from './reference.ts';

/**
 * Rows of one that the other does not have, or has otherwise.
 * @param events as they were published
 */
export function wrongRows(got: ReferenceRows, events: readonly ReferenceEvent[]): string[] {
  return differingRows(got, publishedRows(events));
}

/** The same for rows that were worked out otherwise. */
export function differingRows(got: ReferenceRows, want: ReferenceRows): string[] {
  const text = (rows: ReferenceRows, key: string) => {
    const amount = rows.get(key);
    return amount === undefined ? 'nothing' : `${amount.value} / ${amount.count}`;
  };
  return [...new Set([...got.keys(), ...want.keys()])]
    .filter((key) => text(got, key) !== text(want, key))
    .filter((key) => text(got, key) !== '0 / 0' || want.has(key))
    .map((key) => `row ${key}: ${text(got, key)}, should be ${text(want, key)}`);
}
