import { expect } from 'chai';
import { adviceOf, OLD_MS, type Seen } from '../../operations/advice.ts';
import type { Status } from '../../operations/observe.ts';

const UP = { reachable: true, url: '', latencyMs: 1 } as const;
const WELL: Status = {
  servers: { nats: UP, temporal: UP, clickhouse: UP, redis: UP },
  events: { pending: 0, unacknowledged: 0 },
  sessions: { open: 7 },
  differences: { pending: 0 },
  deadLetters: 0,
  deadLettersByProject: {},
};

const advice = (status: Partial<Status>, seen: Partial<Omit<Seen, 'status'>> = {}) =>
  adviceOf({ status: { ...WELL, ...status }, oldestUnloadedMs: 0, isPaused: false, ...seen });

describe('advice to an operator', () => {
  it('is none where all is well, or only busy', () => {
    expect(advice({})).to.deep.equal([]);
    const busy = { events: { pending: 9_000, unacknowledged: 5 }, differences: { pending: 30 } };
    expect(advice(busy, { oldestUnloadedMs: OLD_MS })).to.deep.equal([]);
    expect(advice(busy, { oldestUnloadedMs: null })).to.deep.equal([]);
  });

  it('names each server that is away, and what that means', () => {
    for (const [name, sentence] of [
      ['nats', /^NATS does not answer.*producers/],
      ['temporal', /^Temporal does not answer.*events wait in NATS/],
      ['clickhouse', /^ClickHouse does not answer.*numbers stand still/],
      ['redis', /^Redis does not answer.*user/],
    ] as const) {
      const servers = { ...WELL.servers, [name]: { reachable: false, error: 'x' } };
      // What waits because of it needs no sentence of its own.
      const [only, ...more] = advice({ servers }, { oldestUnloadedMs: OLD_MS * 2 });
      expect(only).to.match(sentence);
      expect(more).to.deep.equal([]);
    }
  });

  it('says what to set where a server is there and refuses', () => {
    const refused = { reachable: false, error: 'NATS at h:1: no', fault: 'login' } as const;
    const [only, ...more] = advice({ servers: { ...WELL.servers, nats: refused } });
    expect(only).to.match(/^NATS at h:1: no; until then producers/);
    expect(more).to.deep.equal([]);
  });

  it('passes on what should be mended soon', () => {
    expect(advice({ warnings: ['streams have few copies'] })).to.deep.equal([
      'streams have few copies.',
    ]);
  });

  it('tells where what waits for long is waiting', () => {
    const old = { oldestUnloadedMs: OLD_MS + 1 };

    expect(advice({ events: { pending: 0, unacknowledged: 1 } }, old).join()).to.match(/`ingest`/);
    expect(advice({ differences: { pending: 1 } }, old).join()).to.match(/`worker`.*loader\/0/);
    expect(advice({}, { isPaused: true }).join()).to.match(/paused.*resume EVENTS/);
  });

  it('sends to the dead letters of each project, and to a dimension that is full', () => {
    expect(advice({ deadLettersByProject: { shop: 3, blog: 1 } })).to.have.length(2);
    expect(advice({ deadLettersByProject: { shop: 3 } })[0]).to.match(/^3 dead.*--project shop/);
    const used = { project: 'shop', messages: 5, messagesMax: 5, bytes: 9 };
    expect(advice({ quotas: [{ ...used, isUsedUp: false }] })).to.deep.equal([]);
    expect(advice({ quotas: [{ ...used, isUsedUp: true }] })[0]).to.match(
      /^shop has had its quota/,
    );
    const full = { project: 'shop', day: '2026-11-29', dimension: 'path', valuesMax: 10 };
    expect(advice({ fullDimensions: [full] })[0]).to.match(/^path of shop/);
  });
});
