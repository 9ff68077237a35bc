import { type AddressInfo, createServer, type Socket } from 'node:net';
import {
  AuthorizationError,
  PermissionViolationError,
  type Status,
  UserAuthenticationExpiredError,
} from '@nats-io/transport-node';
import { expect } from 'chai';
import { pino } from 'pino';
import { createObserver } from '../../operations/observe.ts';
import { loadConfig, requireServers } from '../../platform/config.ts';
import { ConnectionFaultError, faultSentence } from '../../platform/connection-fault.ts';
import { silentLog } from '../../platform/log.ts';
import { connectNats, watchLogin } from '../../platform/nats.ts';
import { SojournError } from '../../shared/errors.ts';
import { eventually } from '../support/eventually.ts';

const REFUSED = new AuthorizationError('Authorization Violation');
const SENTENCE = faultSentence('NATS', 'nats://nats.example:4222', 'login');

describe('a NATS login that is refused', () => {
  /** What the log has after these. */
  async function saidOf(...statuses: readonly Status[]): Promise<Record<string, unknown>[]> {
    const lines: string[] = [];
    const ended = new Promise<void>((resolve) => {
      const status = async function* () {
        for (const one of statuses) yield await Promise.resolve(one);
        resolve();
      };
      const log = pino({}, { write: (line: string) => lines.push(line) });
      watchLogin({ status }, 'nats://me:hidden-word@nats.example:4222', log);
    });
    await ended;
    expect(lines.join('')).to.not.contain('hidden-word');
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  const disconnect: Status = { type: 'disconnect', server: 'nats.example:4222' };
  const reconnect: Status = { type: 'reconnect', server: 'nats.example:4222' };
  const asStatus = (error: Error): Status => ({ type: 'error', error });
  const refused = asStatus(REFUSED);

  it('is said as a first connect says it, once until the connection is back', async () => {
    const outage = [disconnect, refused, disconnect, refused, disconnect, refused];
    const lines = await saidOf(...outage, reconnect, ...outage);

    expect(lines.map(({ level, fault }) => ({ level, fault }))).to.deep.equal([
      { level: 40, fault: SENTENCE },
      { level: 40, fault: SENTENCE },
    ]);
  });

  it('is said of a login that has expired, and of no other error', async () => {
    const expired = new UserAuthenticationExpiredError('User Authentication Expired');
    const other = new PermissionViolationError('"x" to subject "NOAUTH"', 'publish', 'NOAUTH');
    const late = new AuthorizationError("'Authentication Timeout'");

    expect(await saidOf(asStatus(other), asStatus(late))).to.deep.equal([]);
    const lines = await saidOf(asStatus(expired));

    expect(lines.map(({ fault }) => fault)).to.deep.equal([SENTENCE]);
  });

  it('is told from one that came too late, as to a server that is busy', async () => {
    const nats = await startGatekeeper({ answers: "-ERR 'Authentication Timeout'" });
    const config = requireServers(loadConfig({ NATS_URL: nats.url }), ['NATS_URL']);
    const observer = createObserver(config);
    try {
      const thrown: unknown = await connectNats(config, 'test', silentLog).catch(
        (error: unknown) => error,
      );
      const status = (await observer.status()).servers.nats;

      const late =
        'it did not get the login in time and hung up, since it or this machine is too busy; the login was not refused';
      expect(thrown).to.be.instanceOf(SojournError).and.not.instanceOf(ConnectionFaultError);
      expect(thrown).to.include({
        code: 'SJ_SERVER_UNREACHABLE',
        message: `NATS at ${nats.url}: ${late}; try again`,
      });
      expect(status).to.deep.equal({ reachable: false, url: nats.url, error: late });
    } finally {
      await observer.close();
      nats.close();
    }
  });

  it('is named by who looks at the servers, also one that was connected before', async function () {
    this.timeout(40_000);
    const nats = await startGatekeeper();
    const observer = createObserver(loadConfig({ NATS_URL: nats.url }));
    const lookAt = async () => (await observer.status()).servers.nats;
    try {
      const first = lookAt();
      await eventually(
        () => {
          expect(nats.welcomed()).to.equal(1);
        },
        { withinMs: 5_000 },
      );
      nats.refuse();

      await eventually(
        async () => {
          expect(await lookAt()).to.include({ reachable: false, fault: 'login' });
        },
        { withinMs: 20_000 },
      );
      expect(await first).to.include({ reachable: false });
    } finally {
      await observer.close();
      nats.close();
    }
  });
});

/** As much of a NATS server as there is before anything is asked of it. */
async function startGatekeeper({ answers }: { readonly answers?: string } = {}) {
  const open = new Set<Socket>();
  let isRefusing = false;
  let welcomed = 0;
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined).on('close', () => open.delete(socket));
    socket.write(
      'INFO {"server_id":"x","version":"2.12.0","headers":true,"max_payload":1048576}\r\n',
    );
    socket.on('data', (data) => {
      if (!data.includes('PING\r\n')) return;
      if (answers !== undefined) {
        socket.end(`${answers}\r\n`);
        return;
      }
      if (isRefusing) {
        socket.end("-ERR 'Authorization Violation'\r\n");
        return;
      }
      if (data.includes('CONNECT')) welcomed += 1;
      socket.write('PONG\r\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`,
    welcomed: () => welcomed,
    /** From now on, those that are connected too. */
    refuse() {
      isRefusing = true;
      for (const socket of open) socket.destroy();
    },
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}
