/** What stands at the border between NATS and us: nothing that a producer sends holds up or hides what others send. */
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { headers, type MsgHdrs } from '@nats-io/transport-node';
import { expect } from 'chai';
import { DEADLETTERS_STREAM, EVENTS_CONSUMER, EVENTS_STREAM } from '../../shared/ids.ts';
import { MESSAGE_BYTES_MAX, MESSAGE_HEADERS_BYTES_MAX } from '../../shared/limits.ts';
import { eventually } from '../support/eventually.ts';
import {
  type Around,
  connectAround,
  type PipelineProcess,
  startPipelineProcess,
} from '../support/pipeline.ts';
import { useServers } from '../support/servers.ts';

/** Several times as long as a machine with nothing else to do takes. */
const WITHIN = { withinMs: 120_000 };
const HOUR = '2026-03-08T10:00:00.000Z';

/** Thousands lie in the stream where other files were before, each a round trip. */
const FILLERS_AT_ONCE = 500;

function pageView(sessionId: string, fields: object = {}) {
  return { eventType: 'pageview', sessionId, timestamp: '2026-03-08T10:00:00Z', ...fields };
}

describe('the border', function () {
  this.timeout(400_000);
  const servers = useServers();
  let pipeline: PipelineProcess;
  let around: Around;
  let jsm: JetStreamManager;

  before(async () => {
    pipeline = await startPipelineProcess(servers());
    around = await connectAround(servers());
    jsm = await jetstreamManager(around.nc, { timeout: 30_000 });
  });

  after(async () => {
    await around.close();
    await pipeline.stop();
  });

  const setDeadLettersMax = (max_bytes: number) =>
    jsm.streams.update(DEADLETTERS_STREAM, { max_bytes });

  const expectViews = (project: string, count: number) =>
    eventually(async () => {
      const rows = await around.rows(project);
      expect(rows.get(`page_views|hour|${HOUR}||`)?.count).to.equal(count);
    }, WITHIN);

  const lastLetter = (project: string) =>
    eventually(async () => {
      const subject = `deadletters.${project}`;
      const letter = await jsm.streams.getMessage(DEADLETTERS_STREAM, { last_by_subj: subject });
      if (letter === null) throw new Error('no dead letter');
      return letter;
    }, WITHIN);

  const expectAllAcknowledged = () =>
    eventually(async () => {
      const info = await jsm.consumers.info(EVENTS_STREAM, EVENTS_CONSUMER);
      expect([info.num_pending, info.num_ack_pending]).to.deep.equal([0, 0]);
    }, WITHIN);

  it('keeps a message whose headers cannot be decoded, and goes on', async () => {
    const project = 'border-headers';
    await around.js.publish(`events.${project}.x`, JSON.stringify(pageView('s')), {
      headers: unreadable(),
    });
    await around.publish(project, pageView('s'));

    await expectViews(project, 1);
    const letter = await lastLetter(project);
    expect(letter.header.get('Sojourn-Reason')).to.contain('headers cannot be read');
    expect(letter.json()).to.deep.equal(pageView('s'));
  });

  it('keeps the largest message that EVENTS takes, and EVENTS refuses a larger one', async () => {
    const project = 'border-size';
    const most = MESSAGE_BYTES_MAX + MESSAGE_HEADERS_BYTES_MAX;
    await around.js.publish(`events.${project}.x`, Buffer.alloc(most, 0x61));
    await around.publish(project, pageView('s'));

    await expectViews(project, 1);
    expect((await lastLetter(project)).data).to.have.length(most);
    const refusal: unknown = await around.js
      .publish(`events.${project}.x`, Buffer.alloc(most + 1, 0x61))
      .catch((error: unknown) => error);
    expect(String(refusal)).to.contain('message size exceeds maximum allowed');
    await expectAllAcknowledged();
  });

  it('counts what projects and sessions send under the same message id at the same moment, each once', async () => {
    const projects = ['border-ids-a', 'border-ids-b'];
    const ids = Array.from({ length: 200 }, (_, n) => ({ 'Nats-Msg-Id': `shared-${n}` }));

    await Promise.all(
      ids.flatMap((head) =>
        projects.flatMap((project) => [
          around.publish(project, pageView('one'), head),
          around.publish(project, pageView('two'), head),
          around.publish(project, pageView('two'), head),
        ]),
      ),
    );

    for (const project of projects) await expectViews(project, 2 * ids.length);
    await expectAllAcknowledged();
    for (const project of projects) await expectViews(project, 2 * ids.length);
  });

  it('lets good events through while DEADLETTERS takes nothing, and keeps the bad ones when it does again', async () => {
    const project = 'border-full';
    const { config } = await jsm.streams.info(DEADLETTERS_STREAM);
    const bad = Array.from({ length: 300 }, (_, n) => pageView('s', { sessionId: n }));
    const good = pageView('s');
    await setDeadLettersMax(1);
    try {
      for (const event of bad) await around.publish(project, event);
      await around.publish(project, [good, { ...good, sessionId: 5 }, good]);
      await around.publish(project, good);

      await expectViews(project, 3);
      // The last good one is acknowledged a moment after it was delivered.
      await eventually(async () => {
        const { num_ack_pending: held } = await jsm.consumers.info(EVENTS_STREAM, EVENTS_CONSUMER);
        expect(held).to.equal(bad.length + 1);
      }, WITHIN);
    } finally {
      await setDeadLettersMax(config.max_bytes);
    }
    await expectAllAcknowledged();
    const subject = `deadletters.${project}`;
    const { state } = await jsm.streams.info(DEADLETTERS_STREAM, { subjects_filter: subject });
    expect(state.subjects).to.deep.equal({ [subject]: bad.length + 1 });
    await expectViews(project, 3);
  });

  it('tells the messages of a stream that was emptied and made anew from those of before', async () => {
    const project = 'border-anew';
    const both = [pageView('s'), { ...pageView('s'), sessionId: 7 }];
    for (const message of both) await around.publish(project, message);
    await expectViews(project, 1);
    const before = await lastLetter(project);
    await expectAllAcknowledged();
    await pipeline.stop();
    await jsm.streams.delete(EVENTS_STREAM);
    pipeline = await startPipelineProcess(servers());
    const { state } = await jsm.streams.info(EVENTS_STREAM);
    expect(state.last_seq).to.equal(0);
    // So that the sequences are the ones of before.
    const first = Number(before.header.get('Sojourn-Sequence')) - 1;
    for (let seq = 1; seq < first; seq += FILLERS_AT_ONCE) {
      const count = Math.min(FILLERS_AT_ONCE, first - seq);
      await Promise.all(Array.from({ length: count }, () => around.publish('border-filler', '[]')));
    }
    for (const message of both) await around.publish(project, message);

    await expectViews(project, 2);
    const after = await eventually(async () => {
      const letter = await lastLetter(project);
      expect(letter.seq).to.be.above(before.seq);
      return letter;
    }, WITHIN);
    expect(after.header.get('Sojourn-Sequence')).to.equal(before.header.get('Sojourn-Sequence'));
  });
});

/** With a name that the client refuses to decode, though it sends it. */
function unreadable(): MsgHdrs {
  const head = headers();
  const names = (head as unknown as { readonly headers: Map<string, string[]> }).headers;
  names.set('Bad Näme', ['x']);
  return head;
}
