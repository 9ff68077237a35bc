/** How the servers of ours listen and end, alike: the page, the way in for trackers, health. */
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { SojournError, toError } from '../shared/errors.ts';

export interface ListenOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** What sets the port, for the error where it is taken. */
  readonly portFlag: string;
  /** Where people find it, if that is not where it listens. */
  readonly publicUrl?: string | undefined;
  /** What is under way has this long once it is closed, milliseconds. */
  readonly closeMsMax: number;
}

export interface Listening {
  readonly url: string;
  /** Lets what is under way come to its end, and listens no more. */
  close(): Promise<void>;
}

/** @throws SojournError `SJ_SERVER_START` where the port cannot be had; the app is closed then */
export async function listen(
  app: Pick<FastifyInstance, 'listen' | 'close' | 'server'>,
  { host, port, portFlag, publicUrl, closeMsMax }: ListenOptions,
): Promise<Listening> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    await app.close();
    const { code } = toError(cause) as NodeJS.ErrnoException;
    const why = code === 'EADDRINUSE' ? 'is in use' : `cannot be used (${code ?? String(cause)})`;
    const advice = `choose another with ${portFlag} N`;
    throw new SojournError('SJ_SERVER_START', `port ${port} ${why}; ${advice}`, { cause });
  }
  const { port: actual } = app.server.address() as AddressInfo;
  return {
    url: publicUrl ?? urlOf(host, actual),
    async close() {
      const timer = setTimeout(() => {
        app.server.closeAllConnections();
      }, closeMsMax);
      await app.close();
      clearTimeout(timer);
    },
  };
}

/** What listens everywhere is found under any name; here it is this machine's. */
function urlOf(host: string, port: number): string {
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}
