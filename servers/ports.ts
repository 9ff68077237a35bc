/** Ports on 127.0.0.1: finding free ones, and saying which flag to use when one is taken. */
import { createServer, type AddressInfo, type Server } from 'node:net';
import { SojournError } from '../shared/errors.ts';

const HOST = '127.0.0.1';

/** `count` different free ports. Another process may still take one before it is used. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listen(0)));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map(close));
  return ports;
}

/** One free port. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port as number;
}

/** Throws an error that names the flag when the port cannot be listened on. 0 is always free. */
export async function assertPortFree(port: number, flag: string): Promise<void> {
  try {
    await close(await listen(port));
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const why = code === 'EADDRINUSE' ? 'is in use' : `cannot be used (${code ?? String(cause)})`;
    throw new SojournError(
      'SJ_SERVER_START',
      `port ${port} ${why}; choose another with ${flag} N`,
      { cause },
    );
  }
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port, host: HOST, exclusive: true }, () => {
      resolve(server);
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
  });
}
