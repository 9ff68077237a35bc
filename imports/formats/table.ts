/** Rows with names: of CSV and TSV by their head, of NDJSON and Parquet as they are. Names in one spelling. */
import { fault, NOTHING, type Tracked } from '../../trackers/event.ts';
import { isFields, parsedJson } from '../../trackers/values.ts';
import { CsvRows } from './csv.ts';
import type { FileReader } from './format.ts';
import { lineOf } from './lines.ts';

export type Row = Readonly<Record<string, unknown>>;

/** @param read is given names in lower case without what parts their words: `url_path` and `urlPath` are `urlpath` */
export function tableReader(read: (row: Row) => Tracked): FileReader {
  const rows = new CsvRows();
  let names: readonly string[] | undefined;
  /** Of this file: the first line decides. */
  let isJson: boolean | undefined;
  return {
    read(record) {
      const line = lineOf(record);
      if (line === undefined) return read(renamed(record.data as Row));
      if (line.trim() === '' && !rows.isOpen) return NOTHING;
      isJson ??= /^\s*[{[]/.test(line);
      if (isJson) return readJson(line, read);
      const values = rows.push(line);
      if (values === undefined) return NOTHING;
      if ('fault' in values) return [values];
      if (names === undefined) {
        names = values.map(plainName);
        return NOTHING;
      }
      if (values.length !== names.length) {
        return fault(`the row has ${values.length} values, but the head names ${names.length}`);
      }
      return read(rowOf(names, values));
    },
    end: () => (rows.isOpen ? fault('the last row has a quoted value without an end') : NOTHING),
  };
}

function readJson(line: string, read: (row: Row) => Tracked): Tracked {
  const value = parsedJson(line);
  if (value === undefined) return fault('the line is no JSON');
  if (!isFields(value)) return fault('the line must hold a JSON object');
  return read(renamed(value));
}

function rowOf(names: readonly string[], values: readonly string[]): Row {
  const row: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [index, name] of names.entries()) row[name] = values[index];
  return row;
}

function renamed(value: Row): Row {
  const row: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const name of Object.keys(value)) row[plainName(name)] = value[name];
  return row;
}

function plainName(name: string): string {
  return name.trim().replaceAll('_', '').toLowerCase();
}
