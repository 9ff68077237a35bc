/** Lines and rows as the formats want them. */
import { fault, type Tracked } from '../../trackers/event.ts';
import { isFields, parsedJson } from '../../trackers/values.ts';
import type { FileReader, Record_ } from './format.ts';

const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true });
const BYTE_ORDER_MARK = '\ufeff';

/** The text of a line, without a carriage return, and in the first line without a byte order mark. */
export function lineOf({ line, data }: Record_): string | undefined {
  if (!(data instanceof Uint8Array)) return undefined;
  const text = UTF8.decode(data);
  const start = line === 1 && text.startsWith(BYTE_ORDER_MARK) ? 1 : 0;
  return text.slice(start, text.endsWith('\r') ? -1 : undefined);
}

/** A reader of NDJSON or of rows: one object a record. */
export function objectReader(read: (object: unknown) => Tracked): FileReader {
  return {
    read(record) {
      const text = lineOf(record);
      if (text === undefined) return read(record.data);
      if (text.trim() === '') return [];
      const object = parsedJson(text);
      if (object === undefined) return fault('the line is no JSON');
      if (!isFields(object)) return fault('the line must hold a JSON object');
      return read(object);
    },
  };
}

/** A reader of lines only: a row is a fault. */
export function lineReader(read: (line: string) => Tracked): FileReader {
  return {
    read(record) {
      const text = lineOf(record);
      return text === undefined
        ? fault('this format is read from text, not from Parquet')
        : read(text);
    },
  };
}
