/** Events in any order, spilled, sorted and merged: the sessions that a naive reading of the same events gives. */
import { rmSync } from 'node:fs';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { FLAG, type TakenEvent } from '../../imports/frame.ts';
import { visitSessionId } from '../../imports/group-sessions.ts';
import { decodeEvents, decodeRaw, mergeRuns } from '../../imports/run-file.ts';
import { createSpill, sortSpill } from '../../imports/spill.ts';
import type { VisitorEvent } from '../../shared/event.ts';

const IDLE_MS = 50;

interface Naive {
  readonly sessionId: string;
  readonly firstAt: number;
  readonly events: readonly VisitorEvent[];
}

/** Small numbers of everything, so that keys, times and whole records come again. */
const arbitraryTaken: fc.Arbitrary<TakenEvent> = fc
  .record({
    key: fc.constantFrom('a', 'b', 'ä', '漢字', 'a b', 'x'.repeat(128)),
    isVisitor: fc.boolean(),
    isMade: fc.boolean(),
    isHeartbeat: fc.boolean(),
    id: fc.constantFrom('1', '2', '3'),
    at: fc.integer({ min: 0, max: 400 }),
    path: fc.option(fc.string({ unit: 'binary', maxLength: 5 }), { nil: undefined }),
    raw: fc.option(fc.uint8Array({ minLength: 1, maxLength: 4 }), { nil: undefined }),
  })
  .map(({ key, isVisitor, isMade, isHeartbeat, id, at, path, raw }) => ({
    key,
    flags:
      (isVisitor ? FLAG.visitor : 0) |
      (isMade ? FLAG.madeId : 0) |
      (isVisitor && isHeartbeat ? FLAG.heartbeat : 0),
    event: {
      id: isMade ? `~${id}/${at}/${path ?? ''}${isHeartbeat ? '/h' : ''}` : id,
      type: isHeartbeat ? 'heartbeat' : 'pageview',
      at,
      seq: 1,
      ...(path !== undefined && { path: path.toWellFormed() }),
    },
    // The same record has the same bytes.
    ...(raw !== undefined && !isMade && { raw }),
  }));

function naively(taken: readonly TakenEvent[]): Naive[] {
  const groups = new Map<string, TakenEvent[]>();
  for (const one of taken) {
    const group = `${one.flags & FLAG.visitor} ${one.key}`;
    groups.set(group, [...(groups.get(group) ?? []), one]);
  }
  const sessions: Naive[] = [];
  for (const group of groups.values()) {
    const sorted = [...group].sort((a, b) => a.event.at - b.event.at || compareBytes(a, b));
    let some: TakenEvent[] = [];
    const end = () => {
      const [first] = some;
      if (first === undefined) return;
      const { at } = first.event;
      const isVisitor = (first.flags & FLAG.visitor) !== 0;
      sessions.push({
        sessionId: isVisitor ? visitSessionId(first.key, at) : first.key,
        firstAt: at,
        events: numbered(some),
      });
      some = [];
    };
    for (const one of sorted) {
      const last = some.at(-1);
      const isVisitor = (one.flags & FLAG.visitor) !== 0;
      const isUp = last !== undefined && one.event.at - last.event.at < IDLE_MS;
      const begins = ({ flags, event }: TakenEvent) =>
        (flags & FLAG.heartbeat) === 0 && event.at === one.event.at;
      if (isVisitor && !isUp && !sorted.some(begins)) continue;
      if (isVisitor && last !== undefined && !isUp) end();
      some.push(one);
    }
    end();
  }
  return sessions.sort((a, b) => a.firstAt - b.firstAt || (a.sessionId < b.sessionId ? -1 : 1));
}

function compareBytes(a: TakenEvent, b: TakenEvent): number {
  return Buffer.compare(Buffer.from(JSON.stringify(a.event)), Buffer.from(JSON.stringify(b.event)));
}

function numbered(taken: readonly TakenEvent[]): VisitorEvent[] {
  const seen = new Map<string, number>();
  return taken.map(({ flags, event }) => {
    if ((flags & FLAG.madeId) === 0) return event;
    const before = seen.get(event.id) ?? 0;
    seen.set(event.id, before + 1);
    return before === 0 ? event : { ...event, id: `${event.id}~${before}` };
  });
}

describe('sorting the events of an import', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sojourn-import-sort-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  async function sorted(
    parts: readonly (readonly TakenEvent[])[],
    options: { readonly files: number; readonly groupBytesMax: number },
    name: string,
  ) {
    const spilled = parts.flatMap((part, n) => {
      const spill = createSpill(join(folder, name, `spill-${n}`), options.files);
      for (const one of part) spill.add(one);
      return spill.end();
    });
    const sort = { ...options, idleMs: IDLE_MS };
    const runs = await sortSpill(join(folder, name, 'runs'), spilled, sort);
    return [...mergeRuns(runs)];
  }

  it('gives the sessions of a naive reading, whatever fits into memory and whoever reads what', async () => {
    let round = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(arbitraryTaken, { maxLength: 120 }),
        fc.integer({ min: 1, max: 5 }),
        fc.constantFrom(1, 300, 2_000, 1_000_000),
        fc.integer({ min: 1, max: 3 }),
        async (taken, files, groupBytesMax, readers) => {
          round += 1;
          const parts = Array.from({ length: readers }, (_, n) =>
            taken.filter((__, index) => index % readers === n),
          );

          const sessions = await sorted(parts, { files, groupBytesMax }, String(round));

          const told = sessions.map((session) => ({
            sessionId: session.sessionId,
            firstAt: session.firstAt,
            events: decodeEvents(session),
          }));
          const naive = naively(taken);
          // A session and a visitor's may begin at once: their order is by id then, and ids are all there is.
          expect(told).to.deep.equal(naive);
          expect(sessions.map(({ lastAt }) => lastAt)).to.deep.equal(
            naive.map(({ events }) => Math.max(...events.map(({ at }) => at))),
          );
        },
      ),
      { numRuns: 150 },
    );
  });

  it('keeps what would be published beside each event', async () => {
    const taken = (n: number, raw?: string): TakenEvent => ({
      key: 's',
      flags: 0,
      event: { id: String(n), type: 'pageview', at: n, seq: 1 },
      ...(raw !== undefined && { raw: Buffer.from(raw) }),
    });

    const [session, ...rest] = await sorted(
      [[taken(3, 'three'), taken(1), taken(2, 'zwei')]],
      { files: 2, groupBytesMax: 1_000 },
      'raw',
    );

    expect(rest).to.deep.equal([]);
    const raw = decodeRaw(session ?? expect.fail()).map(
      (one) => one && Buffer.from(one).toString(),
    );
    expect(raw).to.deep.equal([undefined, 'zwei', 'three']);
  });
});
