/** A door in front of ClickHouse, which holds the first request that a test wants held, as long as it wants. */
import {
  createServer,
  type IncomingMessage,
  request as send,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ClickHouseDoor {
  readonly url: string;
  /** Resolves when a request of this kind has come; it is passed on once {@link letGo} is called, whoever has given it up. */
  readonly held: Promise<void>;
  letGo(): void;
  close(): Promise<void>;
}

/** @param isHeld by the address and the beginning of the body, in which the query stands */
export async function openClickHouseDoor(
  target: string,
  isHeld: (query: string) => boolean,
): Promise<ClickHouseDoor> {
  let come = () => {};
  let letGo = () => {};
  const held = new Promise<void>((resolve) => (come = resolve));
  const open = new Promise<void>((resolve) => (letGo = resolve));
  let hasHeld = false;
  const pass = async (incoming: IncomingMessage, answer: ServerResponse) => {
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part as Buffer);
    const body = Buffer.concat(parts);
    const { url = '', method, headers } = incoming;
    const query = `${decodeURIComponent(url)} ${body.subarray(0, QUERY_BYTES).toString()}`;
    if (!hasHeld && isHeld(query)) {
      hasHeld = true;
      come();
      await open;
    }
    const { hostname, port } = new URL(target);
    const passedOn = send({ hostname, port, path: url, method, headers }, (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(answer);
    });
    passedOn.once('error', () => answer.destroy());
    passedOn.end(body);
  };
  const server = createServer((incoming, answer) => {
    // A client that gives up is what this is for.
    pass(incoming, answer).catch(() => answer.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    held,
    letGo,
    async close() {
      letGo();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

const QUERY_BYTES = 4_096;
