/** What commands print: JSON, tables, remarks. */
import Table from 'cli-table3';
import pc from 'picocolors';

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** A remark for a person, never part of what a program reads. */
export function remark(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** A program reads JSON: what is piped, or what asks for it. A terminal shows tables. */
export function asJson({ json }: { readonly json?: true | undefined }): boolean {
  return json === true || !process.stdout.isTTY;
}

/** One JSON value: indented on a terminal, one line for a program. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, process.stdout.isTTY ? 2 : undefined));
}

/** A JSON array with an element a line, printed as the elements come. */
export async function printJsonArray(
  values: AsyncIterable<unknown> | Iterable<unknown>,
): Promise<void> {
  let separator = '[\n';
  for await (const value of values) {
    process.stdout.write(`${separator}${JSON.stringify(value)}`);
    separator = ',\n';
  }
  print(separator === '[\n' ? '[]' : '\n]');
}

/** A table without frames, its columns as wide as their content. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const table = new Table({
    head: head.map((name) => pc.bold(name)),
    chars: FRAMELESS,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  table.push(...rows.map((row) => row.map(printable)));
  print(
    table
      .toString()
      .split('\n')
      .map((line) => line.trimEnd())
      .join('\n'),
  );
}

const FRAMELESS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** Producers' text must not steer a terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, '\uFFFD');
}

/** `1234567` as `1,234,567`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

/** `1 session`, `1,234 sessions`; where more words change, `1 was` and `2 were`, both are given. */
export function formatMany(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** Bytes in the unit that suits them. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit] ?? ''}`;
}

/** Seconds or milliseconds, as suits. */
export function formatMs(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
