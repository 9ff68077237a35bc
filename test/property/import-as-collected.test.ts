/** Events whose visitor's sessions are not known: what an import makes of them is what `collect` makes of them live. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { createTake } from '../../collect/take.ts';
import type { VisitorSessions } from '../../collect/visitor-sessions.ts';
import { posthog } from '../../imports/formats/posthog.ts';
import { readFiles } from '../../imports/read-files.ts';
import { decodeEvents } from '../../imports/run-file.ts';
import { DEFAULT_SETTINGS } from '../../shared/project.ts';
import { readPosthog } from '../../trackers/posthog.ts';

const BEGAN = Date.UTC(2024, 0, 10, 8);
const IDLE_MS = 1_000;

interface Captured {
  readonly event: string;
  readonly distinct_id: string;
  readonly uuid: string;
  readonly timestamp: string;
  readonly properties: object;
}

/** No two at one moment: live they have an order, in a file they have none. `ping` is no word of PostHog, and an event. */
const capturedAt = (times: fc.Arbitrary<readonly number[]>): fc.Arbitrary<readonly Captured[]> =>
  times.chain((all) =>
    fc.tuple(
      ...all.map((ms) =>
        fc.record({
          event: fc.constantFrom('$pageview', '$autocapture', '$pageleave', '$pageleave', 'ping'),
          distinct_id: fc.constantFrom('a', 'b'),
          uuid: fc.constant(`e-${ms}`),
          timestamp: fc.constant(new Date(BEGAN + ms).toISOString()),
          properties: fc.constant({}),
        }),
      ),
    ),
  );

const arbitraryCaptured = capturedAt(
  fc.uniqueArray(fc.integer({ min: 0, max: 6_000 }), { maxLength: 25 }),
);

const REQUEST_MS = 3;
/** Requests far enough apart that a visit is idle, or not, by the clock of its arrival as by that of its events. */
const arbitraryRequests = capturedAt(
  fc.uniqueArray(
    fc
      .tuple(fc.nat({ max: 20 }), fc.nat({ max: REQUEST_MS }))
      .map(([request, ms]) => 300 * request + ms),
    { maxLength: 25 },
  ),
);

/** As Redis keeps them: a session lasts for as long as something new comes. */
function memorySessions(): VisitorSessions {
  const kept = new Map<string, { id: string; lastAt: number }>();
  return {
    sessionsOf({ visitor, events, now }) {
      const found = events.map(({ begins }) => {
        let session = kept.get(visitor);
        if (session === undefined || now - session.lastAt >= IDLE_MS) {
          session = begins ? { id: `${visitor} ${now}`, lastAt: now } : undefined;
        }
        if (session !== undefined) kept.set(visitor, { ...session, lastAt: now });
        return session && { id: session.id, isBefore: false };
      });
      return Promise.resolve(found);
    },
  };
}

/** Ids of the events of each session, however sessions are called. */
const inOrder = (sessions: Iterable<readonly string[]>) =>
  Array.from(sessions, (ids) => [...ids].sort()).sort();

/** As it happens, in requests of what comes within so many milliseconds; one by one with 0. */
async function collected(captured: readonly Captured[], withinMs = 0) {
  const sessions = new Map<string, string[]>();
  const take = createTake({
    sessions: memorySessions(),
    outlet: {
      isFull: false,
      send(_project, events) {
        for (const { json } of events) {
          const { sessionId, eventId } = JSON.parse(String(json)) as Record<string, string>;
          const ids = sessions.get(sessionId ?? '') ?? [];
          sessions.set(sessionId ?? '', [...ids, eventId ?? '']);
        }
        return Promise.resolve();
      },
    },
    say: () => undefined,
  });
  const byTime = [...captured].sort((a, b) => (a.timestamp < b.timestamp ? -1 : 1));
  for (let from = 0; from < byTime.length;) {
    const receivedAt = Date.parse(byTime[from]?.timestamp ?? '');
    const next = byTime.findIndex(
      ({ timestamp }, n) => n > from && Date.parse(timestamp) - receivedAt > withinMs,
    );
    const request = byTime.slice(from, next < 0 ? undefined : next);
    await take(
      { project: 'shop', tracker: 'posthog', receivedAt },
      request.flatMap((each) => readPosthog(each)),
    );
    from += request.length;
  }
  return inOrder(sessions.values());
}

describe('a visitor without sessions', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sojourn-as-collected-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  let round = 0;
  async function imported(captured: readonly Captured[], heartbeatsBegin = false) {
    round += 1;
    const records = captured.map((one, n) => ({
      line: n + 1,
      data: Buffer.from(JSON.stringify(one)),
    }));
    async function* open() {
      yield await Promise.resolve({ file: 'f', records });
    }
    const files = await readFiles({
      ...{ project: 'shop', format: 'posthog', open, settings: DEFAULT_SETTINGS, threads: 0 },
      ...{ receivedAt: BEGAN + 86_400_000, liveFrom: Infinity, visitIdleMs: IDLE_MS },
      readerOf: (file) => posthog.open({ file, salt: '' }),
      heartbeatsBegin,
      folder: join(folder, String(round)),
      onBad: ({ reason }) => expect.fail(reason),
      onProgress: () => undefined,
      signal: new AbortController().signal,
      wait: (_what, work) => work,
    });
    const sessions = Array.from(files.sessions(), (session) => decodeEvents(session));
    expect(files.events).to.equal(sessions.flat().length);
    return inOrder(sessions.map((events) => events.map(({ id }) => id)));
  }

  it('has the sessions that the same events have live', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryCaptured, async (captured) => {
        expect(await imported(captured)).to.deep.equal(await collected(captured));
      }),
      { numRuns: 60 },
    );
  });

  it('has them too where a request brings several events, a heartbeat before what begins a visit', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryRequests, async (captured) => {
        expect(await imported(captured)).to.deep.equal(await collected(captured, REQUEST_MS));
      }),
      { numRuns: 60 },
    );
  });

  const captured = (event: string, ms: number, n = 0): Captured => ({
    ...{ event, distinct_id: 'a', uuid: `${event} ${ms} ${n}`, properties: {} },
    timestamp: new Date(BEGAN + ms).toISOString(),
  });

  it('begins no visit by a heartbeat, but has those that come at the moment when one begins', async () => {
    const events = [
      captured('$pageleave', 0),
      captured('$pageview', 2_000),
      ...Array.from({ length: 5 }, (_, n) => captured('$autocapture', 2_000, n)),
      captured('$pageleave', 2_999),
      captured('$pageleave', 3_999),
      captured('$pageleave', 4_998),
    ];

    const [visit, ...others] = await imported(events);

    expect(others).to.deep.equal([]);
    expect(visit).to.have.lengthOf(7).and.include('$pageleave 2999 0');
  });

  it('has the visits that an earlier version made of it, where that began the import', async () => {
    const events = [captured('$pageleave', 0), captured('$pageview', 2_000)];

    expect(await imported(events, true)).to.have.lengthOf(2);
  });
});
