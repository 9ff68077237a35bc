import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { loadConfig, requireServers } from '../../platform/config.ts';
import { connectTemporal } from '../../platform/temporal.ts';
import { eventually } from '../support/eventually.ts';

/** As often as somebody looks whether Temporal is back. */
const TRIES = 10;
/** From 5 s on gRPC dials after 5 and after 9 s, where it goes on. */
const WATCHED_MS = 7_000;
/** What a server of HTTP/2 begins with: a frame without settings. */
const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

describe('a connection to Temporal that failed', () => {
  /** Hangs up at once. */
  const away = createServer();
  /** Takes a connection and says nothing. */
  const silent = createServer();
  const held = new Set<Socket>();
  let dialled = 0;

  before('connect, which fails', async () => {
    away.on('connection', (socket) => {
      dialled += 1;
      socket.on('error', () => undefined).destroy();
    });
    silent.on('connection', (socket) => {
      held.add(socket);
      socket.on('error', () => undefined).on('close', () => held.delete(socket));
      socket.resume();
    });
    const addresses = await Promise.all([away, silent].map(listening));
    const began = performance.now();
    const failed = await Promise.allSettled(
      addresses.flatMap((TEMPORAL_ADDRESS) => {
        const config = requireServers(loadConfig({ TEMPORAL_ADDRESS }), ['TEMPORAL_ADDRESS']);
        return Array.from({ length: TRIES }, () => connectTemporal(config));
      }),
    );

    expect(performance.now() - began).to.be.below(9_000);
    for (const one of failed) {
      expect(one).to.have.nested.property('reason.code', 'SJ_SERVER_UNREACHABLE');
    }
  });

  after(() => {
    away.close();
    silent.close();
    for (const socket of held) socket.destroy();
  });

  it('dials once more at the most', async () => {
    const before = dialled;
    expect(before).to.be.at.least(TRIES);
    await sleep(WATCHED_MS);
    // What gRPC had made up its mind to do when it was closed.
    expect(dialled - before).to.be.at.most(TRIES);
  });

  it('is closed where it connects late', async () => {
    expect(held.size).to.be.at.least(TRIES);
    for (const socket of held) socket.write(SETTINGS);
    await eventually(
      () => {
        expect(held.size).to.equal(0);
      },
      { withinMs: 5_000 },
    );
  });
});

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
