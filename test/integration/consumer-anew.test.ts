/** The consumer of EVENTS, or EVENTS itself, is deleted and made anew: no event is lost or counted twice. */
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { expect } from 'chai';
import {
  EVENTS_CONSUMER,
  EVENTS_STREAM,
  INGEST_FLOOR_SUBJECT,
  INGEST_STREAM,
} from '../../shared/ids.ts';
import { inLines } from '../support/builders.ts';
import { eventually } from '../support/eventually.ts';
import {
  type Around,
  connectAround,
  environmentOf,
  type PipelineProcess,
  QUICK_SETTINGS,
  sojourn,
  startPipelineProcess,
  untilLoaded,
} from '../support/pipeline.ts';
import { publishedRows } from '../support/published.ts';
import type { ReferenceEvent } from '../support/reference.ts';
import { startPrivateServers, type TestServers } from '../support/servers.ts';

/** A busy machine takes several times as long as one with nothing else to do. */
const WITHIN = { withinMs: 90_000 };

describe('the consumer of events, made anew', function () {
  this.timeout(400_000);
  let servers: TestServers;
  let around: Around;
  let jsm: JetStreamManager;
  let pipeline: PipelineProcess;

  before(async () => {
    servers = await startPrivateServers();
    pipeline = await startPipelineProcess(servers, QUICK_SETTINGS);
    around = await connectAround(servers);
    jsm = await jetstreamManager(around.nc, { timeout: 30_000 });
  });

  after(async () => {
    await around.close();
    await pipeline.stop();
    await servers.stop();
  });

  const visit = (project: string, count: number, from = 0): ReferenceEvent[] =>
    Array.from({ length: count }, (_, n) => ({
      project,
      sessionId: `s${from + n}`,
      eventId: `e${from + n}`,
      eventType: n % 2 === 0 ? 'session_end' : 'pageview',
      timestamp: Date.UTC(2026, 3, 1, 12, 0, n),
      properties: {},
    }));
  const publish = async (events: readonly ReferenceEvent[]) => {
    for (const { project, ...event } of events) await around.publish(project, event);
  };
  const expectRows = (events: readonly ReferenceEvent[]) =>
    eventually(async () => {
      const rows = await around.rows(events[0]?.project ?? '');
      expect(inLines(rows)).to.equal(inLines(publishedRows(events)));
    }, WITHIN);
  const settled = () => untilLoaded(environmentOf(servers));
  /** Sessions know what is given to them again, for as long as Temporal keeps them; EVENTS keeps it for longer. */
  async function expectNothingGivenAgain(last: number): Promise<void> {
    const { config } = await jsm.consumers.info(EVENTS_STREAM, EVENTS_CONSUMER);
    expect(config.opt_start_seq).to.equal(last + 1);
  }
  const keptFloor = async () => {
    const kept = await jsm.streams.getMessage(INGEST_STREAM, {
      last_by_subj: INGEST_FLOOR_SUBJECT,
    });
    return kept?.json<{ stream: string; seq: number }>().seq;
  };

  it('goes on where it was, by itself, when it is deleted while ingest runs', async () => {
    const before = visit('deleted', 30);
    await publish(before);
    await expectRows(before);
    const { last_seq: last } = (await jsm.streams.info(EVENTS_STREAM)).state;
    await eventually(async () => {
      expect(await keptFloor()).to.equal(last);
    }, WITHIN);

    await jsm.consumers.delete(EVENTS_STREAM, EVENTS_CONSUMER);
    const after = visit('deleted', 5, 100);
    await publish(after);

    await expectRows([...before, ...after]);
    expect(pipeline.log()).to.contain('the consumer of events was gone, and is made again');
    await settled();
    await expectRows([...before, ...after]);
    await expectNothingGivenAgain(last);
  });

  it('goes on where it was when ingest is not there and `migrate` makes it', async () => {
    const before = visit('stopped', 10);
    await publish(before);
    await expectRows(before);
    await settled();
    await pipeline.stop();
    const { last_seq: last } = (await jsm.streams.info(EVENTS_STREAM)).state;

    await jsm.consumers.delete(EVENTS_STREAM, EVENTS_CONSUMER);
    const after = visit('stopped', 5, 100);
    await publish(after);
    pipeline = await startPipelineProcess(servers, QUICK_SETTINGS);

    await expectRows([...before, ...after]);
    await settled();
    await expectRows([...before, ...after]);
    await expectNothingGivenAgain(last);
  });

  it('is asked again at once when another server of a cluster leads it', async () => {
    const asked: number[] = [];
    const requests = around.nc.subscribe(
      `$JS.API.CONSUMER.MSG.NEXT.${EVENTS_STREAM}.${EVENTS_CONSUMER}`,
      {
        callback: () => {
          asked.push(Date.now());
        },
      },
    );
    // Else it asks every 10 s.
    await eventually(() => {
      expect(asked).not.to.be.empty;
    }, WITHIN);
    const at = Date.now();

    // As a cluster would tell.
    around.nc.publish(
      `$JS.EVENT.ADVISORY.CONSUMER.LEADER_ELECTED.${EVENTS_STREAM}.${EVENTS_CONSUMER}`,
      '{}',
    );

    await eventually(
      () => {
        expect(asked.some((time) => time >= at)).to.equal(true);
      },
      { withinMs: 5_000 },
    );
    requests.unsubscribe();
  });

  it('takes all of a stream that was deleted and made anew while ingest runs', async () => {
    const before = visit('anew', 10);
    await publish(before);
    await expectRows(before);
    await settled();

    await jsm.streams.delete(EVENTS_STREAM);
    await eventually(() => {
      expect(pipeline.log()).to.contain('the stream EVENTS is gone');
    }, WITHIN);
    const { code, stderr } = await sojourn(['migrate'], environmentOf(servers));
    expect(code, stderr).to.equal(0);
    const after = visit('anew', 30, 100);
    await publish(after);

    await expectRows([...before, ...after]);
    expect(pipeline.log()).to.contain('the stream of events is another one than before');
  });

  it('is not made where nobody knows how far it was, but where an operator says', async () => {
    const before = visit('unknown', 4);
    await publish(before);
    await expectRows(before);
    await settled();
    await pipeline.stop();
    await jsm.streams.delete(INGEST_STREAM);
    await jsm.consumers.delete(EVENTS_STREAM, EVENTS_CONSUMER);

    const refused = await sojourn(['migrate'], environmentOf(servers));
    expect(refused.code).to.equal(1);
    expect(refused.stderr).to.contain('--events-from <sequence|time|new|all>');
    const wrong = await sojourn(['migrate', '--events-from', 'x'], environmentOf(servers));
    expect(wrong.code).to.equal(2);
    const said = await sojourn(['migrate', '--events-from', 'new'], environmentOf(servers));
    expect(said.code, said.stderr).to.equal(0);

    pipeline = await startPipelineProcess(servers, QUICK_SETTINGS);
    const after = visit('unknown', 4, 100);
    await publish(after);
    await expectRows([...before, ...after]);
  });
});
