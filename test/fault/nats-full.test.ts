/** NATS's disk full: `status` and `/readyz` say so, and say what to do. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { createLooker } from '../../health/look.ts';
import { troublesOf } from '../../health/readiness.ts';
import { createObserver } from '../../operations/observe.ts';
import { loadConfig, requireServers } from '../../platform/config.ts';
import { silentLog } from '../../platform/log.ts';
import { connectNats, migrateStreams, type Nats } from '../../platform/nats.ts';
import { writeFault } from '../../platform/stream-health.ts';
import { startServers, type Servers } from '../../servers/index.ts';
import { EVENTS_STREAM } from '../../shared/ids.ts';
import { temporaryFolder, testStartOptions } from '../support/servers.ts';

/** Room for the server's own files and for some hundred messages. */
const DISK = 'size=48m';
const MESSAGE = Buffer.from(JSON.stringify({ filler: 'x'.repeat(500_000) }));
const MESSAGES_MAX = 200;

describe('a NATS whose disk is full', () => {
  const folder = join(temporaryFolder(), 'disk');
  let isMounted = false;
  let servers: Servers | undefined;
  let nats: Nats | undefined;

  before('give it a small disk', async function () {
    this.timeout(120_000);
    mkdirSync(folder);
    const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', DISK, 'tmpfs', folder]);
    if (mount.status !== 0) {
      process.stdout.write('      (skipped: no small disk can be made here)\n');
      this.skip();
    }
    isMounted = true;
    servers = await startServers(testStartOptions(join(folder, 'data'), ['nats']));
    const config = loadConfig({ NATS_URL: servers.nats?.url });
    nats = await connectNats(requireServers(config, ['NATS_URL']), 'test', silentLog);
    await migrateStreams(nats, silentLog);
  });

  after('take it away', async function () {
    this.timeout(60_000);
    await nats?.connection.close();
    await servers?.stop();
    if (isMounted) spawnSync('umount', [folder]);
  });

  it('answers all the same, but says at an attempt to write that it cannot', async () => {
    if (nats === undefined) throw new Error('not connected');
    const { js, jsm } = nats;
    expect(await writeFault(jsm, EVENTS_STREAM)).to.equal(undefined);
    const publish = () =>
      js.publish('events.full.filler', MESSAGE, { timeout: 1_000 }).then(
        () => true,
        () => false,
      );

    let taken = 0;
    while (taken < MESSAGES_MAX && (await publish())) taken += 1;

    expect(taken).to.be.within(10, MESSAGES_MAX - 1);
    expect((await jsm.streams.info(EVENTS_STREAM)).state.messages).to.equal(taken);
    expect(await writeFault(jsm, EVENTS_STREAM)).to.contain('no space left');

    const observer = createObserver(loadConfig({ NATS_URL: servers?.nats?.url }));
    try {
      const look = await createLooker(observer, Date.now).look();
      const troubles = troublesOf(look, { ingest: true, worker: false });
      expect(troubles.find((trouble) => trouble.startsWith('NATS: '))).to.match(
        /the stream EVENTS takes no messages: .*no space left.*make room on NATS's disk/,
      );
    } finally {
      await observer.close();
    }
  }).timeout(60_000);
});
