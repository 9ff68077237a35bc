/** Without workers sessions accept events, and write nothing: that must be seen. And without the loader no row comes. */
import { expect } from 'chai';
import { createObserver } from '../../operations/observe.ts';
import { loadConfig } from '../../platform/config.ts';
import { loaderWorkflowId } from '../../shared/ids.ts';
import { eventually } from '../support/eventually.ts';
import {
  type Around,
  connectAround,
  connectTemporalOf,
  environmentOf,
  type PipelineProcess,
  QUICK_SETTINGS,
  sojourn,
  startPipelineProcess,
  untilLoaded,
} from '../support/pipeline.ts';
import { startPrivateServers, type TestServers } from '../support/servers.ts';

const PROJECT = 'no-worker';
const WITHIN = { withinMs: 90_000 };

describe('an installation without a worker', function () {
  this.timeout(300_000);
  let servers: TestServers;
  let around: Around;
  let ingest: PipelineProcess | undefined;
  let worker: PipelineProcess | undefined;

  // Of its own: a loader that others have left waits for a worker as well.
  before(async () => {
    servers = await startPrivateServers();
    around = await connectAround(servers);
    const { code, stderr } = await sojourn(['migrate'], environmentOf(servers));
    expect(code, stderr).to.equal(0);
    ingest = await startPipelineProcess(servers, QUICK_SETTINGS, ['ingest']);
  });

  after(async () => {
    await worker?.stop();
    await ingest?.stop();
    await around.close();
    await servers.stop();
  });

  const startWorker = async () => {
    worker ??= await startPipelineProcess(servers, QUICK_SETTINGS, ['worker']);
  };

  it('has taken what comes, and tells how long its sessions have waited', async () => {
    const observer = createObserver(loadConfig(environmentOf(servers)));
    try {
      expect(await observer.flow()).not.to.have.property('oldestAt');
      const publishedAt = Date.now();
      const event = { sessionId: 's', eventType: 'pageview', timestamp: publishedAt };
      await around.publish(PROJECT, event);
      await eventually(async () => {
        const { consumer } = await observer.streams();
        expect(consumer.num_pending + consumer.num_ack_pending).to.equal(0);
      }, WITHIN);

      await eventually(async () => {
        const { oldestAt } = await observer.flow();
        expect(oldestAt ?? Infinity).to.be.within(publishedAt - 2_000, publishedAt + 10_000);
        expect(Date.now() - (oldestAt ?? Infinity)).to.be.above(15_000);
      }, WITHIN);

      await startWorker();
      await untilLoaded(environmentOf(servers));
      await eventually(async () => {
        expect(await observer.flow()).not.to.have.property('oldestAt');
      }, WITHIN);
    } finally {
      await observer.close();
    }
  });

  it('has its loader again where that was terminated, without a restart', async () => {
    await startWorker();
    const { client, connection } = await connectTemporalOf(servers);
    try {
      await client.workflow.getHandle(loaderWorkflowId(0)).terminate('by an operator');
      const event = { sessionId: 'after', eventType: 'session_end', timestamp: Date.now() };
      await around.publish(PROJECT, event);
      await eventually(async () => {
        const [row] = await around.select<{ state: string }>(
          `SELECT state FROM sojourn.sessions_current WHERE project = '${PROJECT}' AND session_id = 'after'`,
        );
        expect(row).to.deep.equal({ state: 'ended' });
      }, WITHIN);
    } finally {
      await connection.close();
    }
  });
});
