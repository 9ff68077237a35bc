/** What breaks a rule is kept, with its reason, and stops nobody. */
import { DEADLETTERS_STREAM, EVENTS_STREAM } from '../../shared/ids.ts';
import { jetstreamManager } from '@nats-io/jetstream';
import { expect } from 'chai';
import { BAD_MESSAGES } from '../support/bad-messages.ts';
import { eventually } from '../support/eventually.ts';
import {
  type Around,
  connectAround,
  type PipelineProcess,
  startPipelineProcess,
} from '../support/pipeline.ts';
import { useServers } from '../support/servers.ts';

interface Kept {
  readonly reason: string;
  readonly data: Uint8Array;
}

describe('bad input', function () {
  this.timeout(400_000);
  const servers = useServers();
  let pipeline: PipelineProcess;
  let around: Around;

  before(async () => {
    pipeline = await startPipelineProcess(servers());
    around = await connectAround(servers());
  });

  after(async () => {
    await around.close();
    await pipeline.stop();
  });

  it('is kept byte for byte with a reason that names the field, while good events go through', async () => {
    const jsm = await jetstreamManager(around.nc, { timeout: 30_000 });
    const { last_seq: lettersBefore } = (await jsm.streams.info(DEADLETTERS_STREAM)).state;
    const bySeq = new Map<string, (typeof BAD_MESSAGES)[number]>();
    for (const bad of BAD_MESSAGES) {
      const subject = bad.subject ?? 'events.poison.test';
      const { seq } = await around.js.publish(subject, bad.payload);
      bySeq.set(String(seq), bad);
    }
    const good = { eventType: 'pageview', sessionId: 'fine', timestamp: '2026-03-08T10:00:00Z' };
    await around.publish('poison', [good, { ...good, sessionId: 5 }, good]);

    const kept = await eventually(
      async () => {
        const found = await deadLetters(around, lettersBefore + 1);
        const missing = [...bySeq].filter(([seq]) => !found.has(seq)).map(([, { what }]) => what);
        expect(missing).to.deep.equal([]);
        return found;
      },
      { withinMs: 120_000 },
    );
    for (const [seq, { payload, names, what }] of bySeq) {
      const letter = kept.get(seq) as Kept;
      const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
      expect(Buffer.from(letter.data).equals(bytes), what).to.equal(true);
      expect(letter.reason, what).to.contain(names);
    }
    await eventually(
      async () => {
        const rows = await around.rows('poison');
        expect(rows.get('page_views|hour|2026-03-08T10:00:00.000Z||')?.count).to.equal(2);
      },
      { withinMs: 120_000 },
    );
    await eventually(
      async () => {
        const info = await jsm.consumers.info(EVENTS_STREAM, 'ingest');
        expect([info.num_pending, info.num_ack_pending]).to.deep.equal([0, 0]);
      },
      { withinMs: 120_000 },
    );
  });
});

/** @param from first sequence: there may be thousands of letters of other tests before */
async function deadLetters(around: Around, from: number): Promise<Map<string, Kept>> {
  const found = new Map<string, Kept>();
  const consumer = await around.js.consumers.get(DEADLETTERS_STREAM, { opt_start_seq: from });
  const { num_pending: count } = await consumer.info();
  if (count === 0) return found;
  const messages = await consumer.fetch({ max_messages: count, expires: 10_000 });
  for await (const message of messages) {
    const header = (name: string) => message.headers?.get(name) ?? '';
    expect(header('Sojourn-Subject')).to.match(/^events\./);
    found.set(header('Sojourn-Sequence'), { reason: header('Sojourn-Reason'), data: message.data });
  }
  return found;
}
