/**
 * Looks why a connection failed whose client does not tell: a handshake by Node, which does. No login and no data is sent
 * after it.
 */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import { connect as startTls } from 'node:tls';
import { type FaultKind, faultKindOf } from './connection-fault.ts';

/** What the files of the configuration hold. */
export type OwnFiles = { readonly [Name in 'ca' | 'cert' | 'key']?: Buffer };

/** What is known of the connection that failed. */
export interface Probe {
  /** What its client was told; undefined where it was to speak plain text. */
  readonly tls: OwnFiles | undefined;
  /** It is NATS, which says in plain text whether TLS is to begin. */
  readonly greets?: true;
  /** It is Redis: without TLS it takes a handshake for the beginning of a line, and waits for the rest. */
  readonly waits?: true;
}

const CONNECT_MS_MAX = 2_000;
/** For the greeting, for the handshake, and for an answer. */
const ANSWER_MS_MAX = 2_000;
/** With TLS 1.3 a server refuses a client's certificate after the client has done its part. */
const REFUSAL_MS_MAX = 500;
const LINE_LENGTH_MAX = 64 * 1024;

/** @returns what is wrong; undefined where nothing shows */
export async function probeTls(address: string, probe: Probe): Promise<FaultKind | undefined> {
  const place = placeOf(address);
  // Where plain text was meant, all that matters is whether it answers to TLS.
  const isPlain = probe.tls === undefined;
  try {
    if (await withSocket(place, (socket) => shakesHands(socket, place.host, probe))) {
      return isPlain ? 'tls' : undefined;
    }
    const takesLines = !isPlain && probe.waits && (await withSocket(place, answersPing));
    return takesLines ? 'plain' : undefined;
  } catch (error) {
    const kind = faultKindOf(error);
    if (!isPlain) return kind && withOwnDates(kind, probe);
    return kind === 'certificate' ? 'tls' : undefined;
  }
}

/** Of a client's certificate that is not valid yet most servers say no more than that they do not take it. */
export function withOwnDates(kind: FaultKind, { tls }: Probe): FaultKind {
  if (kind !== 'certificate' || tls?.cert === undefined) return kind;
  return isValidNow(tls.cert) ? kind : 'clientExpired';
}

/** The first of a file; one that cannot be read says nothing of its dates. */
function isValidNow(pem: Buffer): boolean {
  try {
    const { validFrom, validTo } = new X509Certificate(pem);
    const now = Date.now();
    return Date.parse(validFrom) <= now && now <= Date.parse(validTo);
  } catch {
    return true;
  }
}

interface Place {
  readonly host: string;
  readonly port: number;
}

/** Where an address says none, and where a URL drops what its protocol implies. */
const PORTS: Readonly<Record<string, number>> = {
  'nats:': 4222,
  'tls:': 4222,
  'http:': 80,
  'https:': 443,
  'redis:': 6379,
  'rediss:': 6379,
};

function placeOf(address: string): Place {
  const { protocol, hostname, port } = new URL(
    /^\w+:\/\//.test(address) ? address : `tcp://${address}`,
  );
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? (PORTS[protocol] ?? 0) : Number(port),
  };
}

async function withSocket<T>(place: Place, use: (socket: Socket) => Promise<T>): Promise<T> {
  const socket = connect(place);
  // Of what comes when nobody waits for it any more.
  socket.on('error', () => undefined);
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(CONNECT_MS_MAX) });
    return await use(socket);
  } finally {
    socket.destroy();
  }
}

/** @returns whether both sides are done with it. @throws what Node says of it */
async function shakesHands(socket: Socket, host: string, { tls, greets }: Probe): Promise<boolean> {
  if (greets && !/"tls_(required|available)":true/.test(await lineOf(socket))) return false;
  const options = {
    ...{ socket, host, ALPNProtocols: ['h2', 'http/1.1'] },
    ...(isIP(host) === 0 && { servername: host }),
    ...(tls ?? { rejectUnauthorized: false }),
  };
  return new Promise((resolve, reject) => {
    let timer = setTimeout(resolve, ANSWER_MS_MAX, false);
    const secured = startTls(options, () => {
      clearTimeout(timer);
      timer = setTimeout(resolve, tls === undefined ? 0 : REFUSAL_MS_MAX, true);
    });
    secured.on('error', (error: Error) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}

async function answersPing(socket: Socket): Promise<boolean> {
  socket.write('PING\r\n');
  return /^[+-]/.test(await lineOf(socket));
}

/** @throws where none comes in time */
async function lineOf(socket: Socket): Promise<string> {
  const signal = AbortSignal.timeout(ANSWER_MS_MAX);
  let line = '';
  while (!line.includes('\n') && line.length < LINE_LENGTH_MAX) {
    const [chunk] = (await once(socket, 'data', { signal })) as [Buffer];
    line += chunk.toString();
  }
  return line;
}
