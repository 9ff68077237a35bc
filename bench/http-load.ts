/**
 * Requests over a few connections that stay open, each with one request at a time: as many as are answered, or so many a
 * second whatever has become of those before. Written on sockets, since a whole HTTP client costs as much as what is measured.
 */
import { connect, type Socket } from 'node:net';

export interface HttpLoad {
  /** As many as there is time for. @returns answers a second */
  asMany(ms: number): Promise<number>;
  /** At an even rate. @returns how long each took since it was due, milliseconds, ascending */
  atRate(perSecond: number, ms: number): Promise<readonly number[]>;
  close(): void;
}

const HEAD_END = '\r\n\r\n';

/**
 * @param url of the requests, with path
 * @param bodies the next one for each request
 * @throws Error on the first answer that is not 2xx
 */
export async function openHttpLoad(
  url: string,
  connections: number,
  bodies: () => string,
): Promise<HttpLoad> {
  const { hostname, port, pathname, search } = new URL(url);
  const head = `POST ${pathname}${search} HTTP/1.1\r\nhost: ${hostname}:${port}\r\ncontent-type: application/json\r\n`;
  const lines = await Promise.all(
    Array.from({ length: connections }, () => openLine(hostname, Number(port))),
  );
  const send = (line: Line) => {
    const body = bodies();
    return line.ask(`${head}content-length: ${Buffer.byteLength(body)}${HEAD_END}${body}`);
  };
  return {
    async asMany(ms) {
      const endAt = performance.now() + ms;
      let answers = 0;
      await Promise.all(
        lines.map(async (line) => {
          while (performance.now() < endAt) {
            await send(line);
            answers += 1;
          }
        }),
      );
      return (answers * 1_000) / ms;
    },
    async atRate(perSecond, ms) {
      const count = Math.floor((perSecond * ms) / 1_000);
      const begin = performance.now();
      const took: number[] = [];
      let next = 0;
      // Each takes the next one that is due: one that has to wait for a connection waits on its own clock.
      await Promise.all(
        lines.map(async (line) => {
          for (;;) {
            const due = begin + (next * 1_000) / perSecond;
            if (next >= count) return;
            next += 1;
            const waitMs = due - performance.now();
            if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
            await send(line);
            took.push(performance.now() - due);
          }
        }),
      );
      return took.sort((a, b) => a - b);
    },
    close() {
      for (const line of lines) line.close();
    },
  };
}

interface Line {
  ask(request: string): Promise<void>;
  close(): void;
}

async function openLine(host: string, port: number): Promise<Line> {
  const socket: Socket = connect({ host, port, noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  let answer = '';
  let done: { resolve: () => void; reject: (error: Error) => void } | undefined;
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString('latin1');
    const headEnd = answer.indexOf(HEAD_END);
    if (headEnd === -1) return;
    const length = Number(/content-length: *(\d+)/i.exec(answer.slice(0, headEnd))?.[1] ?? 0);
    if (answer.length < headEnd + HEAD_END.length + length) return;
    const isGood = /^HTTP\/1\.1 2\d\d/.test(answer);
    const said = answer;
    answer = '';
    if (isGood) done?.resolve();
    else done?.reject(new Error(`answered: ${said.slice(0, 200)}`));
  });
  socket.on('close', () => done?.reject(new Error('the connection was closed')));
  socket.on('error', (error) => done?.reject(error));
  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        done = { resolve, reject };
        socket.write(request);
      }),
    close() {
      done = undefined;
      socket.destroy();
    },
  };
}
