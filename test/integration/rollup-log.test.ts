/** The rollup log on a real JetStream: what is purged, and what is not. */
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { expect } from 'chai';
import { createRollupLog } from '../../platform/nats.ts';
import { ROLLUPS_STREAM, rollupSubject } from '../../shared/ids.ts';
import { useServers } from '../support/servers.ts';

describe('the rollup log', () => {
  const servers = useServers();
  let connection: NatsConnection;
  let jsm: JetStreamManager;

  before(async () => {
    connection = await connect({ servers: servers().nats.url });
    jsm = await jetstreamManager(connection);
  });

  after(() => connection.close());

  it('loses records of one partition by a purge of that one, and none of another', async () => {
    const log = createRollupLog({ connection, js: jetstream(connection), jsm });
    const before = (await jsm.streams.info(ROLLUPS_STREAM)).state.last_seq;
    // Partitions that no loader works on.
    const [one, other] = [71, 72];
    for (const writeNo of [1, 2, 3]) {
      for (const partition of [one, other]) {
        await log.append(rollupSubject(partition, 'a-run', writeNo), '{}', 'session/shop/s');
      }
    }

    await log.purgeBefore(one, before + 5);

    const left = async (partition: number) => {
      const records: number[] = [];
      for await (const { seq } of log.heads(partition, before + 6)) records.push(seq - before);
      return records;
    };
    expect(await left(one)).to.deep.equal([5]);
    expect(await left(other)).to.deep.equal([2, 4, 6]);
    await log.purgeBefore(one, before + 7);
    await log.purgeBefore(other, before + 7);
  });
});
