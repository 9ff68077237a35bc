/** An HTTP server that answers like ClickHouse what `migrate` asks, keeps nothing, and notes what it was told. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toError } from '../../shared/errors.ts';

export interface Asked {
  /** The statement; of an insert without its rows. */
  readonly query: string;
  /** What the address says besides. */
  readonly settings: Readonly<Record<string, string>>;
}

export interface AskedClickHouse {
  readonly url: string;
  readonly asked: readonly Asked[];
  close(): Promise<void>;
}

/** @param rowsOf the rows of a query; `[]` where it says none */
export async function askedClickHouse(
  rowsOf: (query: string) => readonly object[] | undefined,
): Promise<AskedClickHouse> {
  const asked: Asked[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts).toString();
    const address = new URL(request.url ?? '/', 'http://here');
    const settings = Object.fromEntries(address.searchParams);
    const form = /name="query"\r\n\r\n([^]*?)\r\n--/.exec(body)?.[1];
    const query = settings['query'] ?? form ?? body;
    asked.push({ query: query.trim(), settings });
    const rows = rowsOf(query) ?? [];
    response.setHeader('x-clickhouse-summary', '{"written_rows":"0"}');
    response.end(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      response.destroy(toError(error));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
