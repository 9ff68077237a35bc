/** Reads RowBinary as ClickHouse does: by the types of the columns, which are those of the migrations. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { RowBytes } from '../../platform/row-bytes.ts';
import { formatDecimal } from '../../shared/decimal.ts';

const FENCES = readFileSync(
  new URL('../../migrations/027-import-fences.sql', import.meta.url),
  'utf8',
);

/** Rows for a table of imports, by the names of their columns, in the forms that JSON has for them. */
export function readRows(
  table: 'sessions_inbox' | 'import_sessions_inbox',
  { columns, parts, length }: RowBytes,
): Record<string, unknown>[] {
  const types = typesOf(table);
  const bytes = Buffer.concat(parts);
  const reader = { bytes, at: 0 };
  const rows: Record<string, unknown>[] = [];
  while (reader.at < bytes.length) {
    rows.push(
      Object.fromEntries(columns.map((column) => [column, read(reader, types.get(column))])),
    );
  }
  expect(rows).to.have.lengthOf(length);
  return rows;
}

function typesOf(table: string): Map<string, string> {
  const [, body = ''] =
    new RegExp(`CREATE TABLE sojourn\\.${table}\\n\\((.*?)\\n\\)\\n`, 's').exec(FENCES) ?? [];
  const lines = body.split('\n').filter((line) => line.trim() !== '');
  return new Map(
    lines.map((line) => {
      const [, name = '', type = ''] = /^\s*(\w+) (.*?) COMMENT/.exec(line) ?? [];
      return [name, type];
    }),
  );
}

interface Reader {
  readonly bytes: Buffer;
  at: number;
}

function read(reader: Reader, type: string | undefined): unknown {
  const { bytes, at } = reader;
  const fixed = (size: number) => ((reader.at += size), at);
  const [, of, inner = ''] = /^(\w+)(?:\((.*)\))?$/.exec(type ?? '') ?? [];
  switch (of) {
    case 'UInt8':
      return bytes.readUInt8(fixed(1));
    case 'Bool':
      return bytes.readUInt8(fixed(1)) === 1;
    case 'UInt32':
      return bytes.readUInt32LE(fixed(4));
    case 'UInt64':
      return Number(bytes.readBigUInt64LE(fixed(8)));
    case 'DateTime64':
      return new Date(Number(bytes.readBigInt64LE(fixed(8))))
        .toISOString()
        .slice(0, 23)
        .replace('T', ' ');
    case 'Decimal':
      if (inner === '18, 3') return formatDecimal(bytes.readBigInt64LE(fixed(8)) * 1_000_000n);
      fixed(16);
      return formatDecimal(bytes.readBigUInt64LE(at) + (bytes.readBigInt64LE(at + 8) << 64n));
    case 'String':
      return readText(reader);
    case 'LowCardinality':
      return read(reader, inner);
    case 'Nullable':
      return bytes.readUInt8(fixed(1)) === 1 ? null : read(reader, inner);
    case 'Array':
      return Array.from({ length: readLength(reader) }, () => read(reader, inner));
    case 'Map': {
      const [, key, value] = /^(.*?), (.*)$/.exec(inner) ?? [];
      const entry = () => [read(reader, key), read(reader, value)] as const;
      return Object.fromEntries(Array.from({ length: readLength(reader) }, entry)) as unknown;
    }
    default:
      return expect.fail(`a type that is not read here: ${type}`);
  }
}

function readText(reader: Reader): string {
  const size = readLength(reader);
  reader.at += size;
  return reader.bytes.toString('utf8', reader.at - size, reader.at);
}

function readLength(reader: Reader): number {
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = reader.bytes.readUInt8(reader.at);
    reader.at += 1;
    length |= (byte & 0x7f) << shift;
    if (byte < 0x80) return length;
  }
}
