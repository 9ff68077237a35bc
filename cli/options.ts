/**
 * Options that several commands share, and how their values are read. Kept free of what takes time to
 * load: help needs them too.
 */
import { Argument, InvalidArgumentError, Option } from '@commander-js/extra-typings';
import { parseDuration } from '../platform/duration.ts';
import { parseMoment } from '../platform/moment.ts';
import { noteOf } from '../shared/acts.ts';
import { PROJECT_PATTERN } from '../shared/ids.ts';
import { ACT_REASON_CHARS_MAX, ACT_WHO_CHARS_MAX } from '../shared/limits.ts';

export const dataDirOption = () =>
  new Option('--data-dir <dir>', 'the folder of `sojourn up` whose servers are meant').default(
    '.sojourn',
  );

export const jsonOption = () => new Option('--json', 'print JSON');

export const PROJECT_DESCRIPTION = 'the tenant: 1 to 64 characters a-z, 0-9, _ or -';

/** @throws InvalidArgumentError which commander reports as wrong usage */
export function projectArgument(text: string): string {
  if (!PROJECT_PATTERN.test(text)) {
    throw new InvalidArgumentError('A project is 1 to 64 characters a-z, 0-9, _ or -.');
  }
  return text;
}

export const projectName = () =>
  new Argument('<project>', PROJECT_DESCRIPTION).argParser((text: string) => projectArgument(text));

/** @throws InvalidArgumentError on anything but a whole number of at least 1 */
export function countArgument(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(count) || count < 1) {
    throw new InvalidArgumentError('It must be a whole number of at least 1.');
  }
  return count;
}

/** @returns milliseconds @throws InvalidArgumentError on anything but a duration */
export function durationArgument(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) {
    throw new InvalidArgumentError('A duration is for example 60s, 5m or 500ms.');
  }
  return ms;
}

/** @throws InvalidArgumentError on anything but a number above 0 */
export function rateArgument(text: string): number {
  const rate = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || rate <= 0) {
    throw new InvalidArgumentError('It must be a number above 0.');
  }
  return rate;
}

/** @returns epoch milliseconds @throws InvalidArgumentError on anything but a date, or a time with its zone */
export function dateArgument(text: string): number {
  const at = parseMoment(text);
  if (at === undefined) {
    throw new InvalidArgumentError('A date is for example 2026-11-29 or 2026-11-29T08:00:00Z.');
  }
  return at;
}

/** What `--health-port` does. */
export const HEALTH_PORT =
  'serve /healthz, /readyz and /metrics there (on HEALTH_HOST, 127.0.0.1 by default)';

/** @throws InvalidArgumentError on anything but a port; 0 is any free one */
export function portArgument(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) {
    throw new InvalidArgumentError('a port is a number from 0 (any free one) to 65535');
  }
  return port;
}

/** Who does it: kept by Temporal, and shown to whoever looks at the session. */
export const byOption = (what = 'who does it, kept and shown with the session') =>
  new Option('--by <name>', `${what} (default: user@host of the operating system)`).argParser(
    (text: string) => noteArgument('by', text, ACT_WHO_CHARS_MAX),
  );

export const reasonOption = (what = 'why, kept and shown with the session') =>
  new Option('--reason <text>', what).argParser((text: string) =>
    noteArgument('reason', text, ACT_REASON_CHARS_MAX),
  );

/** What would be cut, or cleaned, is said rather than changed. @throws InvalidArgumentError */
function noteArgument(name: 'by' | 'reason', text: string, charsMax: number): string {
  if (noteOf({ [name]: text })[name] !== text) {
    throw new InvalidArgumentError(
      `It must be one line of 1 to ${charsMax} printable characters, without spaces at its ends.`,
    );
  }
  return text;
}
