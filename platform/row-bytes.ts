/**
 * Rows as they are sent to ClickHouse, made in advance: where a million of them are made, they are made by several threads,
 * and between threads bytes cost nothing, for they are handed over.
 */
import { Readable } from 'node:stream';

/** A stream of bytes that can be sent again: one that a server has read, or a part of, is over. */
export class RepeatableStream extends Readable {
  readonly #parts: readonly Uint8Array[];
  #sent = 0;

  constructor(parts: readonly Uint8Array[]) {
    super();
    this.#parts = parts;
  }

  override _read(): void {
    this.push(this.#parts[this.#sent] ?? null);
    this.#sent += 1;
  }

  /** The same bytes from the beginning. */
  again(): RepeatableStream {
    return new RepeatableStream(this.#parts);
  }
}

/** Rows of one table, as RowBinary: nothing lies between two of them. */
export class RowBytes {
  readonly columns: readonly string[];
  /** To be sent one after the other. */
  readonly parts: readonly Uint8Array<ArrayBuffer>[];
  /** How many rows. */
  readonly length: number;

  constructor(
    columns: readonly string[],
    parts: readonly Uint8Array<ArrayBuffer>[],
    length: number,
  ) {
    this.columns = columns;
    this.parts = parts;
    this.length = length;
  }

  /** What came from another thread: the same without its class. */
  static of({ columns, parts, length }: RowBytes): RowBytes {
    return new RowBytes(columns, parts, length);
  }

  /** To be sent. */
  stream(): RepeatableStream {
    return new RepeatableStream(this.parts);
  }

  /** What a thread hands over with them. */
  get buffers(): ArrayBuffer[] {
    return this.parts.map(({ buffer }) => buffer);
  }
}

export const NO_ROWS = new RowBytes([], [], 0);

const SIZE_AT_FIRST = 4 * 1024;
const WORD = 2 ** 32;

/**
 * Writes values as ClickHouse's RowBinary has them: numbers with their lowest byte first, texts and arrays behind their
 * length, nothing between two values. Which types the values have, the columns of the insert say, and nobody checks.
 * (https://clickhouse.com/docs/interfaces/formats/RowBinary)
 */
export class RowBinaryWriter {
  #buffer: Buffer<ArrayBuffer>;
  #filled = 0;

  /** @param bytes as many as there may be: a buffer that grows is copied, and each one that is left behind is the collector's */
  constructor(bytes = SIZE_AT_FIRST) {
    this.#buffer = Buffer.from(new ArrayBuffer(bytes));
  }

  /** `UInt8`. */
  byte(value: number): void {
    this.#room(1);
    this.#buffer[this.#filled] = value;
    this.#filled += 1;
  }

  /** `UInt32`. */
  uint32(value: number): void {
    this.#room(4);
    this.#filled = this.#buffer.writeUInt32LE(value, this.#filled);
  }

  /** `UInt64`, and `Int64`, `DateTime64` and `Decimal(18)` of what is not negative. @param value a whole number from 0 to 2^53 - 1 */
  whole64(value: number): void {
    this.uint32(value % WORD);
    this.uint32(Math.floor(value / WORD));
  }

  /** `String`, and `LowCardinality(String)`. */
  text(value: string): void {
    const bytes = Buffer.byteLength(value);
    this.length(bytes);
    this.#room(bytes);
    this.#filled += this.#buffer.write(value, this.#filled, 'utf8');
  }

  /** `String` of bytes that are there. */
  bytes(value: Uint8Array): void {
    this.length(value.length);
    this.append(value);
  }

  /** `Int64`. */
  int64(value: bigint): void {
    this.#room(8);
    this.#filled = this.#buffer.writeBigInt64LE(value, this.#filled);
  }

  /** `Int128`, and so `Decimal(38)` in units of its last digit. */
  int128(value: bigint): void {
    if (value === 0n) {
      this.#room(16);
      this.#buffer.fill(0, this.#filled, this.#filled + 16);
      this.#filled += 16;
      return;
    }
    this.int64(BigInt.asIntN(64, value));
    this.int64(value >> 64n);
  }

  /** `Bool`. */
  bool(value: boolean): void {
    this.byte(value ? 1 : 0);
  }

  /** `Array(String)`. */
  texts(values: readonly string[]): void {
    this.length(values.length);
    for (const value of values) this.text(value);
  }

  /** `Map(String, …)`. @param write writes a value */
  map<Value>(entries: readonly (readonly [string, Value])[], write: (value: Value) => void): void {
    this.length(entries.length);
    for (const [key, value] of entries) {
      this.text(key);
      write(value);
    }
  }

  /** `Nullable(Bool)`. */
  nullableBool(value: boolean | null): void {
    this.byte(value === null ? 1 : 0);
    if (value !== null) this.bool(value);
  }

  /** Of a text or an array: seven bits a byte, the lowest first (LEB128). */
  length(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** What was written by another one. */
  append(value: Uint8Array): void {
    this.#room(value.length);
    this.#buffer.set(value, this.#filled);
    this.#filled += value.length;
  }

  /** All that was written. The writer is not to be used any more: its buffer may be handed to another thread. */
  end(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#buffer.buffer, 0, this.#filled);
  }

  #room(bytes: number): void {
    if (this.#buffer.length - this.#filled >= bytes) return;
    const larger = Buffer.from(
      new ArrayBuffer(Math.max(2 * this.#buffer.length, this.#filled + bytes)),
    );
    larger.set(this.#buffer.subarray(0, this.#filled));
    this.#buffer = larger;
  }
}
