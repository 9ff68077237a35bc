/** The rollup log on a real JetStream: what is purged, and what is not. */
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { expect } from 'chai';
import { createRollupLog } from '../../platform/nats.ts';
import { ROLLUPS_STREAM, rollupSubject } from '../../shared/ids.ts';
import { entryOf } from '../../shared/rollup.ts';
import { aRollup } from '../support/builders.ts';
import { environmentOf, sojourn } from '../support/pipeline.ts';
import { useServers } from '../support/servers.ts';

describe('the rollup log', () => {
  const servers = useServers();
  let connection: NatsConnection;
  let jsm: JetStreamManager;

  before(async () => {
    const { code, stderr } = await sojourn(['migrate'], environmentOf(servers()));
    expect(code, stderr).to.equal(0);
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

  it('knows its records by their times, and what it holds of a range whose end is another one now', async () => {
    const nats = { connection, js: jetstream(connection), jsm };
    const log = createRollupLog(nats);
    const partition = 73;
    const records = [1, 2, 3, 4].map((writeNo) => aRollup({ partition, writeNo }));
    const places: { seq: number; at: string }[] = [];
    for (const record of records) {
      const { subject, data, workflowId } = entryOf(record);
      await log.append(subject, data, workflowId);
      const { seq, at = '' } = await log.end(partition);
      places.push({ seq, at });
    }
    const [first, second, third, last] = places as [Place, Place, Place, Place];
    const { log: life, lastSeq } = await log.end(partition);

    expect(lastSeq).to.be.at.least(last.seq);
    expect(await log.timeOf(second.seq)).to.equal(second.at);
    expect(await log.timeOf(lastSeq + 1_000)).to.equal(undefined);
    expect(await log.firstAfter(partition, first.at)).to.deep.equal(second);
    expect(await log.firstAfter(partition, last.at)).to.equal(undefined);

    const range = { partition, log: life, from: first.seq };
    const whole = await log.sumRange({ ...range, to: third.seq, at: third.at });
    expect(whole).to.include({ records: 3 }).and.not.to.have.property('isCut');
    // Planned when the record at its end was one that the log has lost since: of what it holds, two are no later.
    const cut = await log.sumRange({ ...range, to: last.seq, at: second.at });
    expect(cut).to.include({ records: 2, isCut: true });
    const beyond = { from: lastSeq + 1, to: lastSeq + 5, at: last.at };
    expect(await log.sumRange({ ...range, ...beyond })).to.include({ records: 0, isCut: true });

    await log.purgeBefore(partition, last.seq + 1);
  });
});

type Place = Readonly<{ seq: number; at: string }>;
