/** Quotas as they are counted on a real NATS: whoever counts, from wherever, judges each message alike. */
import { cpSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kvm } from '@nats-io/kv';
import { headers } from '@nats-io/transport-node';
import { expect } from 'chai';
import { loadConfig, requireServers } from '../../platform/config.ts';
import { silentLog } from '../../platform/log.ts';
import { connectNats, migrateStreams, type Nats } from '../../platform/nats.ts';
import { type FollowedSettings, followBucket } from '../../platform/project-settings.ts';
import { loadCount } from '../../platform/quota-kept.ts';
import { followQuotas, type Quotas, type Verdict } from '../../platform/quotas.ts';
import { steadyNow } from '../../platform/steady-clock.ts';
import { EVENTS_STREAM, PROJECTS_BUCKET } from '../../shared/ids.ts';
import { DEFAULT_SETTINGS, encodeSettings } from '../../shared/project.ts';
import { dayOf, type Quota, QUOTA_FROM_MS, startOfDay } from '../../shared/quota.ts';
import { eventually } from '../support/eventually.ts';
import { intBetween, randomOf } from '../support/random.ts';
import { startPrivateServers, temporaryFolder, type TestServers } from '../support/servers.ts';

const WITHIN = { withinMs: 30_000 };
/** The day of UTC must not end while a test runs. */
const LONG_ENOUGH_MS = 5 * 60_000;

describe('quotas of projects, counted', function () {
  this.timeout(LONG_ENOUGH_MS);
  let servers: TestServers;
  let nats: Nats;
  let settings: FollowedSettings;
  const opened: Quotas[] = [];

  before('start NATS', async () => {
    const now = Date.now();
    const leftMs = startOfDay(dayOf(now) + 1) - now;
    if (leftMs < LONG_ENOUGH_MS) await sleep(leftMs + 1_000);
    servers = await startPrivateServers({ which: new Set(['nats']) });
    const config = loadConfig({ NATS_URL: servers.nats.url });
    nats = await connectNats(requireServers(config, ['NATS_URL']), 'test', silentLog);
    await migrateStreams(nats, silentLog);
    settings = await followBucket(nats, () => true, silentLog);
  });

  after(async () => {
    for (const quotas of opened) quotas.stop();
    await settings.stop();
    await nats.connection.close();
    await servers.stop();
  });

  /** As another process would. */
  function follow(): Quotas {
    const quotas = followQuotas({
      ...{ nats, steadyNow, log: silentLog },
      all: () => settings.all(),
      settingsOf: (project) => settings.settingsOf(project),
      now: Date.now,
    });
    opened.push(quotas);
    return quotas;
  }

  async function set(project: string, quota: Quota): Promise<void> {
    const bucket = await new Kvm(nats.js).open(PROJECTS_BUCKET);
    await bucket.put(project, encodeSettings({ ...DEFAULT_SETTINGS, ...quota }));
    await sleep(QUOTA_FROM_MS + 50);
  }

  async function publish(project: string, bytes = 10): Promise<number> {
    const data = Buffer.alloc(bytes, '.');
    return (await nats.js.publish(`events.${project}.x`, data, { timeout: 30_000 })).seq;
  }

  async function verdicts(
    quotas: Quotas,
    project: string,
    seqs: readonly number[],
  ): Promise<(Verdict | 'unknown')[]> {
    return Promise.all(
      seqs.map(async (seq) => {
        const message = await nats.jsm.streams.getMessage(EVENTS_STREAM, { seq });
        const receivedAt = message?.time.getTime() ?? 0;
        return quotas.whenKnown(project, { seq, receivedAt });
      }),
    );
  }

  const inOrOver = (all: readonly (Verdict | 'unknown')[]) =>
    all.map((one) => (typeof one === 'string' ? one : 'over')).join(' ');

  it('cost nothing where none is set', async () => {
    const quotas = follow();
    const seq = await publish('free');
    expect(quotas.verdictOf('free', { seq, receivedAt: 0 })).to.equal('in');
    expect(quotas.spentUntil('free')).to.equal(undefined);
    const consumers = await nats.jsm.consumers.list(EVENTS_STREAM).next();
    expect(consumers.map(({ name }) => name)).to.deep.equal(['ingest']);
  });

  it('are judged alike by all, also by who begins late, and whatever is asked first', async () => {
    const early = follow();
    const before = [await publish('alike'), await publish('alike')];
    await set('alike', { maxMessagesPerDay: 4 });
    const first = [await publish('alike'), await publish('alike')];
    await publish('another');
    expect(inOrOver(await verdicts(early, 'alike', first))).to.equal('in in');
    const rest = [await publish('alike'), await publish('alike')];
    const all = [...before, ...first, ...rest];

    const late = follow();
    const last = follow();
    expect(inOrOver(await verdicts(last, 'alike', rest.toReversed()))).to.equal('over over');
    for (const quotas of [early, late, last]) {
      expect(inOrOver(await verdicts(quotas, 'alike', all))).to.equal('in in in in over over');
      expect(quotas.spentUntil('alike')).to.equal(startOfDay(dayOf(Date.now()) + 1));
    }
  });

  it('count bytes, but not those of headers', async () => {
    const quotas = follow();
    await set('bytes', { maxBytesPerDay: 100 });
    const seqs = [await publish('bytes', 60), await publish('bytes', 40)];
    const head = headers();
    head.set('Nats-Msg-Id', 'of-a-producer');
    const big = await nats.js.publish('events.bytes.x', Buffer.alloc(50), { headers: head });
    seqs.push(big.seq, await publish('bytes', 1));

    const found = await verdicts(quotas, 'bytes', seqs);
    expect(inOrOver(found)).to.equal('in in over over');
    expect(found[2]).to.have.property('over').that.contains('its 100 of ');
  });

  it('count bytes as the server says, whatever a producer says of them', async () => {
    const quotas = follow();
    await set('forged', { maxBytesPerDay: 100 });
    const seqs: number[] = [];
    for (const said of ['-5', '0', '1', 'many']) {
      const head = headers();
      head.append('Nats-Msg-Size', said);
      const one = await nats.js.publish('events.forged.x', Buffer.alloc(30), { headers: head });
      seqs.push(one.seq);
    }
    expect(inOrOver(await verdicts(quotas, 'forged', seqs))).to.equal('in in in over');
  });

  it('count a message whose headers nobody can read, and go on', async () => {
    const quotas = follow();
    await set('odd', { maxMessagesPerDay: 2 });
    const [, port = ''] = /:(\d+)$/.exec(servers.nats.url) ?? [];
    const socket = createConnection(Number(port), '127.0.0.1');
    const head = 'NATS/1.0\r\nno good: name\r\n\r\n';
    socket.write('CONNECT {"verbose":false,"headers":true}\r\n');
    socket.write(`HPUB events.odd.x ${head.length} ${head.length + 2}\r\n${head}{}\r\n`);
    const seq = await eventually(async () => {
      const query = { last_by_subj: 'events.odd.x' };
      const message = await nats.jsm.streams.getMessage(EVENTS_STREAM, query);
      return message?.seq ?? expect.fail('it has not come');
    }, WITHIN);
    socket.destroy();
    const seqs = [seq, await publish('odd'), await publish('odd')];
    expect(inOrOver(await verdicts(quotas, 'odd', seqs))).to.equal('in in over');
  });

  it('go on where NATS was killed', async () => {
    const quotas = follow();
    await set('killed', { maxMessagesPerDay: 3 });
    const seqs = [await publish('killed'), await publish('killed')];
    expect(inOrOver(await verdicts(quotas, 'killed', seqs))).to.equal('in in');
    servers.nats.kill();
    await servers.restart('nats');
    await eventually(() => nats.jsm.streams.info(EVENTS_STREAM), WITHIN);
    for (let n = 0; n < 2; n += 1) {
      seqs.push(await publish('killed'));
    }
    expect(inOrOver(await verdicts(quotas, 'killed', seqs))).to.equal('in in in over');
  });

  it('are opened by a higher one, for what comes after it', async () => {
    const quotas = follow();
    await set('raised', { maxMessagesPerDay: 1 });
    const seqs = [await publish('raised'), await publish('raised')];
    expect(inOrOver(await verdicts(quotas, 'raised', seqs))).to.equal('in over');

    await set('raised', { maxMessagesPerDay: 2 });
    await eventually(() => {
      expect(quotas.spentUntil('raised')).to.equal(undefined);
    }, WITHIN);
    seqs.push(await publish('raised'), await publish('raised'));
    // Something else is set: no new day.
    const bucket = await new Kvm(nats.js).open(PROJECTS_BUCKET);
    await bucket.put(
      'raised',
      encodeSettings({ ...DEFAULT_SETTINGS, maxMessagesPerDay: 2, currency: 'EUR' }),
    );
    await sleep(QUOTA_FROM_MS + 50);
    seqs.push(await publish('raised'));
    await set('raised', {});
    seqs.push(await publish('raised'));

    const expected = 'in over in over over in';
    expect(inOrOver(await verdicts(quotas, 'raised', seqs))).to.equal(expected);
    // One that comes now knows of no quota any more, and takes all.
    expect(inOrOver(await verdicts(follow(), 'raised', seqs))).to.equal('in in in in in in');
  });

  it('go on from what was kept, and judge what lies before it all the same', async () => {
    const first = follow();
    await set('kept', { maxMessagesPerDay: 3 });
    const seqs: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      seqs.push(await publish('kept'));
      await verdicts(first, 'kept', seqs);
    }
    expect(inOrOver(await verdicts(first, 'kept', seqs))).to.equal('in in in over over');
    const floor = seqs[1] ?? 0;
    await first.keep(floor);
    const kept = await loadCount(nats, 'kept');
    expect(kept?.seq).to.equal(floor);
    expect(kept?.quota).to.deep.equal({ maxMessagesPerDay: 3 });
    await first.keep(seqs.at(-1) ?? 0);
    expect((await loadCount(nats, 'kept'))?.spent).to.include({ messages: 3 });

    // What is counted and gone from the stream counts all the same.
    await nats.jsm.streams.purge(EVENTS_STREAM, { filter: 'events.kept.>', seq: seqs[4] ?? 0 });
    seqs.push(await publish('kept'));
    expect(inOrOver(await verdicts(follow(), 'kept', seqs.slice(5)))).to.equal('over');
    // Offered again though it was acknowledged: by what is there.
    expect(inOrOver(await verdicts(follow(), 'kept', seqs.slice(4)))).to.match(/^(in|over) over$/);
  });

  it('are what a naive count says, whoever is asked, about whatever, and whenever', async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const random = randomOf(seed);
    const upTo = (n: number) => intBetween(random, 0, n - 1);
    const project = `random-${seed}`;
    const messages: { seq: number; bytes: number; quota: Quota }[] = [];
    const asked: {
      by: number;
      seqs: readonly number[];
      found: readonly (Verdict | 'unknown')[];
    }[] = [];
    let followers = [follow(), follow()];
    let quota: Quota = {};
    for (let step = 0; step < 120; step += 1) {
      if (step % 40 === 10) {
        quota = random() < 0.5 ? { maxMessagesPerDay: upTo(40) } : { maxBytesPerDay: upTo(1_500) };
        await set(project, quota);
      }
      for (let n = upTo(4); n > 0; n -= 1) {
        const bytes = 1 + upTo(40);
        messages.push({ seq: await publish(project, bytes), bytes, quota });
      }
      if (messages.length === 0) continue;
      const by = upTo(followers.length);
      const seqs = Array.from(
        { length: 1 + upTo(5) },
        () => messages[upTo(messages.length)]?.seq ?? 0,
      );
      const one = followers[by];
      if (one === undefined) continue;
      asked.push({ by, seqs, found: await verdicts(one, project, seqs) });
      if (random() < 0.2) await one.keep(messages[upTo(messages.length)]?.seq ?? 0);
      if (random() < 0.1) followers = [...followers.filter((_, n) => n !== by), follow()];
    }

    const expected = new Map<number, string>();
    let [count, bytes] = [0, 0];
    let closedBy = '';
    for (const message of messages) {
      const { maxMessagesPerDay = Infinity, maxBytesPerDay = Infinity } = message.quota;
      const isIn =
        closedBy !== JSON.stringify(message.quota) &&
        count + 1 <= maxMessagesPerDay &&
        bytes + message.bytes <= maxBytesPerDay;
      if (isIn) [count, bytes] = [count + 1, bytes + message.bytes];
      else closedBy = JSON.stringify(message.quota);
      expected.set(message.seq, isIn ? 'in' : 'over');
    }
    for (const { seqs, found } of asked) {
      const naive = seqs.map((seq) => expected.get(seq)).join(' ');
      expect(inOrOver(found), `seed ${seed}`).to.equal(naive);
    }
    expect([...expected.values()], `seed ${seed}`).to.include('in');
  });

  it('are the same with everything gone that may go, and most of what is acknowledged may', async () => {
    const project = 'short';
    // What other projects need is not looked at here.
    await nats.jsm.streams.purge(EVENTS_STREAM);
    await set(project, { maxMessagesPerDay: 2_500 });
    const seqs: number[] = [];
    while (seqs.length < 3_000) {
      const some = Array.from({ length: 500 }, () => publish(project));
      seqs.push(...(await Promise.all(some)));
      await publish('between');
    }
    seqs.sort((a, b) => a - b);
    const expected = (seq: number) => (seqs.indexOf(seq) < 2_500 ? 'in' : 'over');
    // It is at the end long before anything is acknowledged.
    let ingest = follow();
    await verdicts(ingest, project, seqs.slice(-1));

    for (const acknowledged of [700, 1_200, 2_499, 2_600]) {
      const floor = seqs[acknowledged - 1] ?? 0;
      await ingest.keep(floor);
      const before = await mayGoBefore(ingest, floor);
      expect(floor - before, `of ${acknowledged}`).to.be.below(110);
      await nats.jsm.streams.purge(EVENTS_STREAM, { seq: before });

      const next = follow();
      const some = [acknowledged, acknowledged + 1, 2_499, 2_500, 2_999].flatMap((n) =>
        n < acknowledged ? [] : (seqs[n] ?? []),
      );
      expect(inOrOver(await verdicts(next, project, some)), `after ${acknowledged}`).to.equal(
        some.map(expected).join(' '),
      );
      ingest.stop();
      ingest = next;
    }
  });

  /** Before which sequence messages may go, by a process that begins just then or is at it. */
  async function mayGoBefore(quotas: Quotas, floor: number): Promise<number> {
    return Math.min(floor + 1, await quotas.firstToCount(floor));
  }

  it('keep nothing for ever of a project that publishes no more, though nobody has counted it yet', async () => {
    await nats.jsm.streams.purge(EVENTS_STREAM);
    const seqs: number[] = [];
    for (let n = 0; n < 5; n += 1) seqs.push(await publish('idle'));
    await set('idle', { maxMessagesPerDay: 10 });
    const floor = await publish('between');
    const quotas = follow();

    expect(await mayGoBefore(quotas, floor)).to.be.at.most(seqs[0] ?? 0);

    await eventually(async () => {
      await quotas.keep(floor);
      expect(await mayGoBefore(quotas, floor)).to.equal(floor + 1);
    }, WITHIN);
    expect((await loadCount(nats, 'idle'))?.spent).to.include({ messages: 5 });
  });

  it('are not taken back by who is behind', async () => {
    await set('behind', { maxMessagesPerDay: 10 });
    const seqs = [await publish('behind'), await publish('behind'), await publish('behind')];
    const [ahead, behind] = [follow(), follow()];
    for (const one of [ahead, behind]) await verdicts(one, 'behind', seqs);
    await ahead.keep(seqs[2] ?? 0);

    await behind.keep(seqs[0] ?? 0);

    expect((await loadCount(nats, 'behind'))?.seq).to.equal(seqs[2]);
  });

  it('begin anew with a stream that was made anew', async () => {
    const quotas = follow();
    await set('anew', { maxMessagesPerDay: 1 });
    const before = [await publish('anew'), await publish('anew')];
    expect(inOrOver(await verdicts(quotas, 'anew', before))).to.equal('in over');
    await quotas.keep(before[1] ?? 0);
    await nats.jsm.streams.delete(EVENTS_STREAM);
    await migrateStreams(nats, silentLog);
    quotas.reset();

    const seqs = [await publish('anew'), await publish('anew')];
    expect(seqs).to.deep.equal([1, 2]);
    expect(inOrOver(await verdicts(quotas, 'anew', seqs))).to.equal('in over');
    expect(inOrOver(await verdicts(follow(), 'anew', seqs))).to.equal('in over');
  });

  it('begin anew where NATS was put back, also where it has grown past what was counted ahead', async () => {
    await set('back', { maxMessagesPerDay: 4 });
    const folder = join(servers.dataDir, 'nats');
    const copy = join(temporaryFolder(), 'nats');
    const seqs = [await publish('back'), await publish('back')];
    const ahead = follow();
    expect(inOrOver(await verdicts(ahead, 'back', seqs))).to.equal('in in');
    const kept = async (act: () => void) => {
      await servers.nats.stop();
      act();
      await servers.restart('nats');
      await eventually(() => nats.jsm.streams.info(EVENTS_STREAM), WITHIN);
    };
    await kept(() => {
      cpSync(folder, copy, { recursive: true });
    });
    const lost = [await publish('back'), await publish('back'), await publish('back')];
    expect(inOrOver(await verdicts(ahead, 'back', lost))).to.equal('in in over');
    await kept(() => {
      rmSync(folder, { recursive: true });
      cpSync(copy, folder, { recursive: true });
    });

    // Other messages have the sequences of those now.
    for (let n = 0; n < 4; n += 1) await publish('other');
    for (let n = 0; n < 3; n += 1) seqs.push(await publish('back'));
    const [, , third = 0] = seqs;
    expect(third, 'it has grown past what was counted').to.be.above((seqs[1] ?? 0) + 3);
    expect(inOrOver(await verdicts(follow(), 'back', seqs))).to.equal('in in in in over');
    expect(inOrOver(await verdicts(ahead, 'back', seqs))).to.equal('in in in in over');
  });

  it('are not judged any more by who has stopped, also those that nobody has asked about', async () => {
    await set('stopped', { maxMessagesPerDay: 1 });
    const seqs = [await publish('stopped'), await publish('stopped')];
    const quotas = follow();
    quotas.stop();
    expect(inOrOver(await verdicts(quotas, 'stopped', seqs))).to.equal('unknown unknown');
    expect(quotas.verdictOf('stopped', { seq: seqs[0] ?? 0, receivedAt: 0 })).to.equal(undefined);
    await sleep(300);
    const consumers = await nats.jsm.consumers.list(EVENTS_STREAM).next();
    const own = consumers.filter(
      ({ config }) =>
        config.filter_subject === 'events.stopped.>' ||
        config.filter_subjects?.includes('events.stopped.>') === true,
    );
    expect(own).to.deep.equal([]);
  });

  it('count twenty thousand messages of a day within seconds, for who begins late', async () => {
    const data = Buffer.alloc(20);
    for (let n = 0; n < 4; n += 1) {
      const some = Array.from({ length: 5_000 }, () => nats.js.publish('events.many.x', data));
      await Promise.all(some);
    }
    await set('many', { maxMessagesPerDay: 20_001 });
    const seqs = [await publish('many'), await publish('many')];
    const began = performance.now();
    expect(inOrOver(await verdicts(follow(), 'many', seqs))).to.equal('in over');
    const tookMs = performance.now() - began;
    process.stdout.write(`      (counted 20,000 messages in ${Math.round(tookMs)} ms)\n`);
    expect(tookMs).to.be.below(20_000);
  });
});
