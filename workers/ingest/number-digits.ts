/** The digits that numbers came with: `JSON.parse` makes floats of them, and money and times are read by their digits. */
import { asBuffer, fieldSlices, type Slice, textStart } from './json-slices.ts';
import type { RawMessage } from './parse-event.ts';

export interface DigitsSource {
  readonly message: RawMessage;
  /** Of a message with one event: what it says. */
  readonly text?: string;
  /** Of an element of an array: where it begins. */
  readonly start?: number;
}

const OUTER: ReadonlySet<string> = new Set(['timestamp', 'properties']);

/**
 * The digits of an event's numbers, by field; looked for only where there is a number.
 */
export class Digits {
  readonly #source: DigitsSource;
  readonly #properties: ReadonlySet<string>;
  #outer: Map<string, Slice> | undefined;
  #inner: Map<string, Slice> | undefined;

  constructor(source: DigitsSource, properties: ReadonlySet<string>) {
    this.#source = source;
    this.#properties = properties;
  }

  ofTimestamp(): string {
    return onlyTimestamp(this.#source.text) ?? this.#text(this.#outerSlices().get('timestamp'));
  }

  ofProperty(name: string): string {
    const start = this.#outerSlices().get('properties')?.start;
    if (start === undefined) return '';
    this.#inner ??= fieldSlices(this.#json, start, this.#properties);
    return this.#text(this.#inner.get(name));
  }

  get #json(): Buffer {
    return asBuffer(this.#source.message.data);
  }

  #outerSlices(): Map<string, Slice> {
    this.#outer ??= fieldSlices(this.#json, this.#source.start ?? textStart(this.#json), OUTER);
    return this.#outer;
  }

  #text(slice: Slice | undefined): string {
    return slice === undefined ? '' : this.#json.toString('latin1', slice.start, slice.end);
  }
}

const TIMESTAMP_KEY = '"timestamp"';
const NUMBER_VALUE = /[ \t\n\r]*:[ \t\n\r]*([-+.\deE]+)/y;

/**
 * The shorter way for what nearly every event is like: its text has the key once and no escaped character, so that
 * no other key is the same.
 */
function onlyTimestamp(text: string | undefined): string | undefined {
  if (text === undefined || text.includes('\\')) return undefined;
  const at = text.indexOf(TIMESTAMP_KEY);
  if (at === -1 || at !== text.lastIndexOf(TIMESTAMP_KEY)) return undefined;
  NUMBER_VALUE.lastIndex = at + TIMESTAMP_KEY.length;
  return NUMBER_VALUE.exec(text)?.[1];
}
