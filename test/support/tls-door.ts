/**
 * A door in front of a real server that itself has no TLS here: it ends TLS, asks for a client's certificate, and passes
 * the rest on. And one that passes on as it is, and keeps what clients send.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { freePort } from '../../servers/ports.ts';
import type { CertificateFiles } from './authority.ts';
import { eventually } from './eventually.ts';

export interface Door {
  readonly port: number;
  /** What clients sent, as the server behind it got it. */
  sent(): string;
  close(): Promise<void>;
}

export function openTlsDoor(
  toPort: number,
  { cert, key }: CertificateFiles,
  clientAuthority: CertificateFiles,
  /** In place of a free one. */
  onPort = 0,
): Promise<Door> {
  const sent: Buffer[] = [];
  const server = createTlsServer(
    {
      cert: readFileSync(cert),
      key: readFileSync(key),
      ca: readFileSync(clientAuthority.cert),
      requestCert: true,
      rejectUnauthorized: true,
      ALPNProtocols: ['h2', 'http/1.1'],
    },
    (socket) => {
      passOn(socket, toPort, sent);
    },
  );
  // Of clients that are refused, which is what they are here for.
  server.on('tlsClientError', () => undefined);
  return listening(server, sent, onPort);
}

/**
 * A door that lets nobody in whose certificate is not from that authority, and says so as servers do: Node's own only
 * closes the connection.
 */
export async function openStrictDoor(
  { cert, key }: CertificateFiles,
  clientAuthority: CertificateFiles,
): Promise<Pick<Door, 'port' | 'close'>> {
  const port = await freePort();
  const asking = ['-Verify', '1', '-verify_return_error', '-CAfile', clientAuthority.cert];
  const speaking = ['-quiet', '-alpn', 'h2,http/1.1'];
  const door = spawn(
    'openssl',
    [
      's_server',
      '-accept',
      `127.0.0.1:${port}`,
      '-cert',
      cert,
      '-key',
      key,
      ...asking,
      ...speaking,
    ],
    // It ends with its input.
    { stdio: ['pipe', 'ignore', 'ignore'] },
  );
  const ended = once(door, 'exit');
  const knock = async () => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.destroy();
  };
  await eventually(knock, { withinMs: 10_000 });
  return {
    port,
    async close() {
      door.kill();
      await ended;
    },
  };
}

export function openPlainDoor(toPort: number): Promise<Door> {
  const sent: Buffer[] = [];
  const server = createServer((socket) => {
    passOn(socket, toPort, sent);
  });
  return listening(server, sent);
}

function passOn(client: Socket, toPort: number, sent: Buffer[]): void {
  const behind = connect(toPort, '127.0.0.1');
  client.on('data', (data: Buffer) => sent.push(data));
  client.pipe(behind).pipe(client);
  for (const [one, other] of [
    [client, behind],
    [behind, client],
  ] as const) {
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
  }
}

async function listening(server: Server, sent: readonly Buffer[], onPort = 0): Promise<Door> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(onPort, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it has no port');
  return {
    port: address.port,
    sent: () => Buffer.concat(sent).toString('latin1'),
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      });
    },
  };
}
