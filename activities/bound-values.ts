/**
 * Keeps to the bound on values of a dimension (shared/value-bounds.ts) while ranges are loaded in order. What a set of
 * values has is what ClickHouse holds; that it is full, and of which values then, is noted there before the range that
 * fills it is loaded. So whoever repeats a range, in whatever process, files it as it was filed.
 */
import { LRUCache } from 'lru-cache';
import { KNOWN_VALUES_BYTES_MAX } from '../shared/limits.ts';
import { type LogRange, rangeToken } from '../shared/ranges.ts';
import type { RangeSums } from '../shared/rollup.ts';
import {
  admit,
  type BroughtValues,
  broughtValues,
  type DayValues,
  dayValuesText,
  fileOthers,
  type KnownValues,
} from '../shared/value-bounds.ts';

/** A set that is full from now on. */
export interface FullValues {
  readonly set: DayValues;
  readonly values: readonly string[];
  /** How many were allowed. */
  readonly valuesMax: number;
}

/** What is needed of ClickHouse. */
export interface ValueStore {
  /** How many bytes what {@link read} tells of each set takes, about, in their order. */
  sizes(sets: readonly DayValues[]): Promise<readonly number[]>;
  /** What is loaded of each set, in their order; of one that is full the values it was noted with. */
  read(sets: readonly DayValues[]): Promise<readonly KnownValues[]>;
  /** Durable when it resolves. Where the range is loaded already nothing is noted. */
  note(range: LogRange, full: FullValues): Promise<void>;
}

/** The sums of a range as they are loaded and announced. */
export type BoundValues = (range: LogRange, sums: RangeSums) => Promise<RangeSums>;

interface Remembered {
  readonly values: Set<string>;
  isFull: boolean;
}

/** What a process knows of a partition's sets: right as long as it loads one range after the other. */
interface Memory {
  readonly sets: LRUCache<string, Remembered>;
  last: LogRange | undefined;
}

/** @param onFull told once of each set that becomes full */
export function createBoundValues(
  store: ValueStore,
  onFull: (full: FullValues) => void,
): BoundValues {
  const memories = new Map<number, Memory>();

  return async (range, sums) => {
    const memory = memories.get(range.partition) ?? openMemory();
    // What fails may have come to anything, and nobody else may change it meanwhile.
    memories.delete(range.partition);
    if (!follows(range, memory.last)) memory.sets.clear();
    const full = new Map<string, ReadonlySet<string>>();
    for (const part of await inParts(memory, broughtValues(sums.metrics))) {
      const sets = await recall(memory, part);
      for (const { set, values } of part) {
        const text = dayValuesText(set);
        const settled = await settle(range, set, values, sets.get(text) ?? NOTHING());
        if (settled.isFull) full.set(text, among(values, settled.values));
        // Anew, so that its size is.
        memory.sets.delete(text);
        memory.sets.set(text, settled);
      }
    }
    memory.last = range;
    memories.set(range.partition, memory);
    if (full.size === 0) return sums;
    return { ...sums, metrics: fileOthers(sums.metrics, (set) => full.get(dayValuesText(set))) };
  };

  /**
   * The sets of a range, so many at once that what has to be read of them is held easily: a range may touch every day
   * that ever was, and each may be full.
   */
  async function inParts(
    { sets }: Memory,
    brought: readonly BroughtValues[],
  ): Promise<readonly (readonly BroughtValues[])[]> {
    const unknown = brought.filter(({ set }) => !sets.has(dayValuesText(set)));
    if (unknown.length <= FEW_SETS) return [brought];
    const sizes = await store.sizes(unknown.map(({ set }) => set));
    const sizeOf = new Map(unknown.map((one, n) => [one, sizes[n] ?? 0]));
    const parts: BroughtValues[][] = [[]];
    let bytes = 0;
    for (const one of brought) {
      const size = sizeOf.get(one) ?? 0;
      if (bytes > 0 && bytes + size > PART_BYTES_MAX) {
        parts.push([]);
        bytes = 0;
      }
      parts.at(-1)?.push(one);
      bytes += size;
    }
    return parts;
  }

  /** What is known of the sets of a range: read where it is not remembered. */
  async function recall(
    { sets }: Memory,
    brought: readonly BroughtValues[],
  ): Promise<Map<string, Remembered>> {
    const known = new Map<string, Remembered>();
    const unknown: DayValues[] = [];
    for (const { set } of brought) {
      const remembered = sets.get(dayValuesText(set));
      if (remembered === undefined) unknown.push(set);
      else known.set(dayValuesText(set), remembered);
    }
    const found = await readAll(unknown);
    unknown.forEach((set, n) => known.set(dayValuesText(set), found[n] ?? NOTHING()));
    return known;
  }

  async function readAll(sets: readonly DayValues[]): Promise<Remembered[]> {
    if (sets.length === 0) return [];
    const found = await store.read(sets);
    return found.map(({ values, isFull }) => ({ values: new Set(values), isFull }));
  }

  /** The set once the range is loaded. */
  async function settle(
    range: LogRange,
    set: DayValues,
    brought: ReadonlySet<string>,
    remembered: Remembered,
  ): Promise<Remembered> {
    const { valuesMax = Infinity } = range;
    const grown = (known: Remembered, fresh: Iterable<string>) => {
      for (const value of fresh) known.values.add(value);
      return known;
    };
    const before = admit(remembered, brought, valuesMax);
    if (remembered.isFull || !before.isFull) return grown(remembered, before.fresh);
    // What is remembered may be more than there is: of a range that was cut, for one. So what is noted is worked out
    // of what is there.
    const [known = NOTHING()] = await readAll([set]);
    const { fresh, isFull } = admit(known, brought, valuesMax);
    if (known.isFull || !isFull) return grown(known, fresh);
    const full = { set, values: [...known.values, ...fresh], valuesMax };
    await store.note(range, full);
    const [noted = NOTHING()] = await readAll([set]);
    // It was loaded before, while there was room.
    if (!noted.isFull) return grown(noted, brought);
    onFull(full);
    return noted;
  }
}

/** Of so few nobody need know how large they are. */
const FEW_SETS = 4;
const PART_BYTES_MAX = KNOWN_VALUES_BYTES_MAX / 4;

/** Those of `values` that are in `kept`. */
function among(values: ReadonlySet<string>, kept: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...values].filter((value) => kept.has(value)));
}

const NOTHING = (): Remembered => ({ values: new Set(), isFull: false });

/** Whether nobody can have loaded anything between two ranges. */
function follows(range: LogRange, last: LogRange | undefined): boolean {
  if (last === undefined) return false;
  const isNext = last.log === range.log && last.to + 1 === range.from;
  return isNext || rangeToken(last) === rangeToken(range);
}

function openMemory(): Memory {
  const sizeCalculation = ({ values }: Remembered) => {
    // A guess from the first few is enough.
    let chars = 0;
    let looked = 0;
    for (const value of values) {
      chars += value.length;
      looked += 1;
      if (looked === SAMPLE) break;
    }
    const each = VALUE_BYTES + (2 * chars) / Math.max(1, looked);
    // The largest one stays alone rather than not at all.
    return Math.min(KNOWN_VALUES_BYTES_MAX, SET_BYTES + Math.ceil(values.size * each));
  };
  return {
    sets: new LRUCache({ maxSize: KNOWN_VALUES_BYTES_MAX, sizeCalculation }),
    last: undefined,
  };
}

const SAMPLE = 16;
/** What an entry of a set takes beside its text, and a set beside its entries: bytes, about. */
const VALUE_BYTES = 64;
const SET_BYTES = 500;
