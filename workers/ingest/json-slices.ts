/**
 * Where the parts of a JSON text lie in its bytes: the elements of an array, the values of an object's fields. Dead
 * letters are cut out of a message by it, and numbers keep the digits they came with.
 *
 * The text must be valid JSON (`JSON.parse` has read it): nothing is checked here, so one pass over the bytes is
 * enough, however deep they are nested and however many parts they have.
 */

/** A value: where it begins, where the next byte after it is, and how deep it is nested (0: no object or array). */
export interface Slice {
  readonly start: number;
  readonly end: number;
  readonly depth: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** A view of the bytes whose `indexOf` is the one of the C library. */
export function asBuffer(data: Uint8Array): Buffer {
  return Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

/** The first byte that is neither space nor a byte order mark at the very beginning. */
export function textStart(json: Uint8Array): number {
  const hasMark = json[0] === 0xef && json[1] === 0xbb && json[2] === 0xbf;
  return skipSpace(json, hasMark ? 3 : 0);
}

/** Whether the text is an array. */
export function isArrayText(json: Uint8Array): boolean {
  return json[textStart(json)] === OPEN_ARRAY;
}

/** The elements of the array that the text is, without the space around them. */
export function elementSlices(json: Buffer): Slice[] {
  const slices: Slice[] = [];
  let at = skipSpace(json, textStart(json) + 1);
  while (at < json.length && json[at] !== CLOSE_ARRAY) {
    const slice = valueAt(json, at);
    slices.push(slice);
    at = skipSpace(json, slice.end);
    if (json[at] === COMMA) at = skipSpace(json, at + 1);
  }
  return slices;
}

/** How deep the text is nested. */
export function depthOf(json: Buffer): number {
  return valueAt(json, textStart(json)).depth;
}

/**
 * Where the values of some fields of an object lie; of a repeated key the last one counts, as in `JSON.parse`.
 * @param start where the object begins
 * @param names the fields that are asked for, in ASCII
 */
export function fieldSlices(
  json: Buffer,
  start: number,
  names: ReadonlySet<string>,
): Map<string, Slice> {
  const found = new Map<string, Slice>();
  if (json[start] !== OPEN_OBJECT) return found;
  const index = namesOf(names);
  let at = skipSpace(json, start + 1);
  while (at < json.length && json[at] !== CLOSE_OBJECT) {
    const keyEnd = stringEnd(json, at + 1);
    const key = keyText(json, at, keyEnd, names, index);
    at = skipSpace(json, keyEnd);
    if (json[at] === COLON) at = skipSpace(json, at + 1);
    const slice = valueAt(json, at);
    if (key !== undefined) found.set(key, slice);
    at = skipSpace(json, slice.end);
    if (json[at] === COMMA) at = skipSpace(json, at + 1);
  }
  return found;
}

/** Names as bytes, by how many. */
interface Names {
  readonly byBytes: ReadonlyMap<
    number,
    readonly { readonly name: string; readonly bytes: Buffer }[]
  >;
  /** As many as the longest one takes, each of its characters written as `\u0041`. */
  readonly most: number;
}

/** Of each set once: the same few are asked for again and again. */
const indexed = new WeakMap<ReadonlySet<string>, Names>();

function namesOf(names: ReadonlySet<string>): Names {
  let index = indexed.get(names);
  if (index === undefined) {
    const all = Array.from(names, (name) => ({ name, bytes: Buffer.from(name) }));
    index = {
      byBytes: byLength(all),
      most: 6 * Math.max(0, ...all.map(({ name }) => name.length)),
    };
    indexed.set(names, index);
  }
  return index;
}

/** @returns undefined for a key that is not asked for */
function keyText(
  json: Buffer,
  start: number,
  end: number,
  names: ReadonlySet<string>,
  { byBytes, most }: Names,
): string | undefined {
  if (end - start > most + 2) return undefined;
  const last = end - 1;
  let isPlain = true;
  for (let at = start + 1; at < last; at += 1) if (json[at] === BACKSLASH) isPlain = false;
  if (isPlain) {
    for (const { name, bytes } of byBytes.get(last - start - 1) ?? []) {
      if (isAt(json, start + 1, bytes)) return name;
    }
    return undefined;
  }
  const key = JSON.parse(json.toString('utf8', start, end)) as string;
  return names.has(key) ? key : undefined;
}

function byLength<T extends { readonly bytes: Buffer }>(all: readonly T[]): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const one of all) {
    const { length } = one.bytes;
    groups.set(length, [...(groups.get(length) ?? []), one]);
  }
  return groups;
}

/** Whether these bytes are there: a text made of them for each key would take longer. */
function isAt(json: Buffer, start: number, bytes: Buffer): boolean {
  for (let n = 0; n < bytes.length; n += 1) if (json[start + n] !== bytes[n]) return false;
  return true;
}

/** What a byte outside of texts means for where a value ends; for most nothing. */
const PLAIN = 0;
const BEGINS_TEXT = 1;
const OPENS = 2;
const CLOSES = 3;
const ENDS_PLAIN = 4;
const MEANING = new Uint8Array(256);
MEANING[QUOTE] = BEGINS_TEXT;
MEANING[OPEN_OBJECT] = MEANING[OPEN_ARRAY] = OPENS;
MEANING[CLOSE_OBJECT] = MEANING[CLOSE_ARRAY] = CLOSES;
for (const byte of [COMMA, 0x20, 0x0a, 0x0d, 0x09]) MEANING[byte] = ENDS_PLAIN;

/** The value that begins at a place. */
function valueAt(json: Buffer, start: number): Slice {
  const { length } = json;
  let depth = 0;
  let deepest = 0;
  let at = start;
  while (at < length) {
    const meaning = MEANING[json[at] ?? 0];
    if (meaning === PLAIN) {
      at = plainEnd(json, at + 1);
      if (depth === 0) break;
    } else if (meaning === BEGINS_TEXT) {
      at = stringEnd(json, at + 1);
      if (depth === 0) break;
    } else if (meaning === OPENS) {
      depth += 1;
      if (depth > deepest) deepest = depth;
      at += 1;
    } else {
      at += 1;
      if (meaning === CLOSES) depth -= 1;
      if (depth === 0) break;
    }
  }
  return { start, end: at, depth: deepest };
}

/** The end of a number or a word (of a colon inside of an object as well). */
function plainEnd(json: Buffer, from: number): number {
  const { length } = json;
  let at = from;
  while (at < length && MEANING[json[at] ?? 0] === PLAIN) at += 1;
  return at;
}

/** So many bytes are looked at one by one: a call costs as much. */
const SHORT_STRING_BYTES = 32;

/** Behind the quote that ends a string. @param from its first byte */
function stringEnd(json: Buffer, from: number): number {
  let at = from;
  for (;;) {
    const near = Math.min(json.length, at + SHORT_STRING_BYTES);
    while (at < near) {
      const byte = json[at];
      if (byte === QUOTE) return at + 1;
      at += byte === BACKSLASH ? 2 : 1;
    }
    const quote = json.indexOf(QUOTE, at);
    if (quote === -1) return json.length;
    if (!isEscaped(json, at, quote)) return quote + 1;
    at = quote + 1;
  }
}

/** Whether an odd number of backslashes stands before a place; none before `from` counts. */
function isEscaped(json: Buffer, from: number, place: number): boolean {
  let at = place;
  while (at > from && json[at - 1] === BACKSLASH) at -= 1;
  return (place - at) % 2 === 1;
}

function skipSpace(json: Uint8Array, from: number): number {
  let at = from;
  while (isSpace(json[at])) at += 1;
  return at;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
