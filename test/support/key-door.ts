/**
 * A door in front of the embedded Temporal, which has neither TLS nor logins: it ends TLS, and lets in who has the key. What
 * it answers to others is what Temporal's server program with its default authorizer does: a key that it cannot read is
 * refused whatever is asked, and without one, or with that of another namespace, only the question what the server can do
 * is answered.
 */
import { readFileSync } from 'node:fs';
import {
  type ClientHttp2Stream,
  connect,
  createSecureServer,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { CertificateFiles } from './authority.ts';

export interface KeyDoor {
  readonly port: number;
  /** From now on this is the key. */
  takes(key: string): void;
  close(): Promise<void>;
}

/** A key that can be read, and is one of another namespace. */
export const OTHERS_KEY = 'key-of-another-namespace';

const DENIED = { 'grpc-status': '7', 'grpc-message': 'Request unauthorized.' };
const FOR_ALL = /\/(GetSystemInfo|Check)$/;
/** They are of one connection, and of no other. */
const OWN_HEADERS = new Set(['connection', 'te', 'host']);

export async function openKeyDoor(
  toPort: number,
  { cert, key }: CertificateFiles,
  rightKey: string,
): Promise<KeyDoor> {
  let right = rightKey;
  const behind = connect(`http://127.0.0.1:${toPort}`);
  behind.on('error', () => undefined);
  const sessions = new Set<Http2Session>();
  const server = createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) });
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    const { authorization = '', ':path': path = '' } = headers;
    const isKnown = ['', `Bearer ${OTHERS_KEY}`].includes(authorization);
    if (authorization === `Bearer ${right}` || (isKnown && FOR_ALL.test(path))) {
      passOn(stream, behind.request(requestOf(headers)));
      return;
    }
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc', ...DENIED },
      { endStream: true },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    takes(key) {
      right = key;
    },
    close() {
      behind.destroy();
      for (const session of sessions) session.destroy();
      return new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      });
    },
  };
}

function requestOf(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const own = Object.entries(headers).filter(([name]) => !OWN_HEADERS.has(name));
  return {
    ...Object.fromEntries(own),
    ':authority': '127.0.0.1',
    ':scheme': 'http',
    te: 'trailers',
  };
}

function passOn(client: ServerHttp2Stream, request: ClientHttp2Stream): void {
  let trailers: IncomingHttpHeaders = {};
  request.on('response', (headers, flags) => {
    // A refusal of the server's own has no body, and its headers are its trailers.
    const isAll = (flags & 1) === 1;
    client.respond(headers, isAll ? { endStream: true } : { waitForTrailers: true });
  });
  request.on('trailers', (given: IncomingHttpHeaders) => {
    trailers = given;
  });
  client.on('wantTrailers', () => {
    client.sendTrailers(trailers);
  });
  request.on('error', () => {
    client.close();
  });
  client.on('close', () => {
    request.close();
  });
  client.pipe(request).pipe(client);
}
