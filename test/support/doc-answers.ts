/** Reads pages whose SQL is printed with its result: blocks of SQL, each followed by a table where its rows are known. */
import { readFileSync } from 'node:fs';

interface PrintedQuery {
  /** The heading it stands under. */
  readonly heading: string;
  readonly sql: string;
  /** The printed table: its head, then its rows. */
  readonly table: readonly (readonly string[])[];
}

interface Section {
  readonly heading: string;
  /** The first words under the heading, up to a sign: `Plain`, for example. */
  readonly label: string;
  readonly queries: readonly PrintedQuery[];
}

/** The sections of a page of docs/ that begin with a heading of the level. */
export function readSections(page: string, level: number): Section[] {
  const text = readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8');
  const [, ...parts] = text.split(new RegExp(`^#{${level}} `, 'm'));
  return parts.map((part) => {
    const [heading = '', ...lines] = part.split('\n');
    const body = lines.join('\n');
    const label = /^[\w ]+/.exec(body.trim())?.[0] ?? '';
    const queries = [...body.matchAll(/^```sql\n([\s\S]*?);\n```\n+((?:^\|.*\n)*)/gm)].map(
      ([, sql = '', table = '']) => ({ heading, sql, table: readTable(table) }),
    );
    return { heading, label, queries };
  });
}

function readTable(text: string): string[][] {
  const lines = text.split('\n').filter((line) => line !== '');
  const cells = (line: string) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
  return lines.filter((_, index) => index !== 1).map(cells);
}

/** An answer as a page prints it: numbers to four places at the most, other values as they are. */
export function printed(rows: readonly Readonly<Record<string, unknown>>[]): string[][] {
  const [first = {}] = rows;
  const cell = (value: unknown) =>
    typeof value === 'number' ? String(Number(value.toFixed(4))) : String(value);
  return [Object.keys(first), ...rows.map((row) => Object.values(row).map(cell))];
}
