/**
 * What is wrong with TLS or a login, in one sentence: which server, what it is, which variable to set. The clients of
 * four servers throw some forty errors for it, many of which say no more than that a socket has closed. Pure.
 */
import { SojournError, toError } from '../shared/errors.ts';
import type { SERVER_TITLES } from '../shared/server-titles.ts';
import { publicAddress } from './secrets.ts';

export type ServerKind = (typeof SERVER_TITLES)[keyof typeof SERVER_TITLES];

export const FAULTS = {
  authority: 'its certificate is from an authority that is not trusted here',
  host: 'its certificate is for another host name',
  expired: 'its certificate has expired, or is not valid yet',
  certificate: 'it wants a client certificate from an authority that it trusts',
  clientExpired: 'to it, the client certificate has expired, or is not valid yet',
  login: 'it refuses the login',
  plain: 'it does not speak TLS there, and no data is sent in plain text instead',
  tls: 'it speaks TLS there, and the address does not say so',
} as const;

export type FaultKind = keyof typeof FAULTS;

/** What to set, by server and fault. docs/security.md has the same table. */
export const REMEDIES: Readonly<Record<ServerKind, Readonly<Record<FaultKind, string>>>> = {
  NATS: {
    authority: 'set NATS_TLS_CA to the certificate of its authority',
    host: 'name it in NATS_URL as its certificate does',
    expired: 'renew the certificate of the server, and look at the clocks',
    certificate: 'set NATS_TLS_CERT and NATS_TLS_KEY',
    clientExpired: 'renew the certificate in NATS_TLS_CERT, and look at the clocks',
    login: 'set NATS_USER and NATS_PASSWORD, or NATS_TOKEN, NATS_CREDS or NATS_NKEY',
    plain: 'switch TLS on in the server, or write nats:// in NATS_URL and leave out NATS_TLS_…',
    tls: 'write tls:// in NATS_URL',
  },
  Temporal: {
    authority: 'set TEMPORAL_TLS_CA to the certificate of its authority',
    host: 'name it in TEMPORAL_ADDRESS as its certificate does',
    expired: 'renew the certificate of the server, and look at the clocks',
    certificate: 'set TEMPORAL_TLS_CERT and TEMPORAL_TLS_KEY',
    clientExpired: 'renew the certificate in TEMPORAL_TLS_CERT, and look at the clocks',
    login: 'set TEMPORAL_API_KEY to a key that may write in the namespace TEMPORAL_NAMESPACE',
    plain:
      'switch TLS on in the server, or leave out TEMPORAL_TLS, TEMPORAL_TLS_… and TEMPORAL_API_KEY',
    tls: 'set TEMPORAL_TLS to true, or TEMPORAL_TLS_CA',
  },
  ClickHouse: {
    authority: 'set CLICKHOUSE_TLS_CA to the certificate of its authority',
    host: 'name it in CLICKHOUSE_URL as its certificate does',
    expired: 'renew the certificate of the server, and look at the clocks',
    certificate: 'set CLICKHOUSE_TLS_CERT and CLICKHOUSE_TLS_KEY',
    clientExpired: 'renew the certificate in CLICKHOUSE_TLS_CERT, and look at the clocks',
    login: 'set CLICKHOUSE_ADMIN_…, CLICKHOUSE_WRITER_… and CLICKHOUSE_BI_USER and _PASSWORD',
    plain: 'give the port of https, or write http:// in CLICKHOUSE_URL',
    tls: 'write https:// in CLICKHOUSE_URL',
  },
  Redis: {
    authority: 'set REDIS_TLS_CA to the certificate of its authority',
    host: 'name it in REDIS_URL as its certificate does',
    expired: 'renew the certificate of the server, and look at the clocks',
    certificate: 'set REDIS_TLS_CERT and REDIS_TLS_KEY',
    clientExpired: 'renew the certificate in REDIS_TLS_CERT, and look at the clocks',
    login: 'write user and password into REDIS_URL',
    plain: 'give the port of TLS, or write redis:// in REDIS_URL',
    tls: 'write rediss:// in REDIS_URL',
  },
};

/** Node's codes and OpenSSL's words, those of the Temporal library's own TLS, and what the servers answer. */
const SIGNS: readonly (readonly [FaultKind, RegExp])[] = [
  // What a server says of the client's certificate; its own is looked at here.
  ['clientExpired', /alert:? certificate ?expired|ALERT_CERTIFICATE_EXPIRED/i],
  ['host', /ALTNAME_INVALID|altnames|NotValidForName|not valid for name/i],
  ['expired', /CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|certificate (has )?expired|NotValidYet/i],
  [
    'authority',
    /SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)|self.signed cert|UnknownIssuer|local issuer/i,
  ],
  [
    'certificate',
    /alert (certificate required|bad certificate|unknown ca|certificate unknown|handshake failure)|ALERT_(CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_UNKNOWN|HANDSHAKE_FAILURE)|CertificateRequired|alert: (UnknownCA|BadCertificate|HandshakeFailure)/i,
  ],
  [
    'plain',
    /WRONG_VERSION_NUMBER|wrong version number|PACKET_LENGTH_TOO_LONG|InvalidContentType|corrupt message|does not support 'tls'/i,
  ],
  [
    'login',
    /authorization violation|authentication expired|WRONGPASS|NOAUTH|invalid password|AUTHENTICATION_FAILED|Authentication failed|UNAUTHENTICATED|Request unauthorized|invalid username-password/i,
  ],
];

/** What an error of any of the clients is about; undefined where it is about something else, or does not tell. */
export function faultKindOf(thrown: unknown): FaultKind | undefined {
  const words = wordsOf(thrown, 0).join('\n');
  return SIGNS.find(([, sign]) => sign.test(words))?.[0];
}

const DEPTH_MAX = 6;

/** Codes and messages of an error, of what it wraps, and of what it gathers. */
function wordsOf(thrown: unknown, depth: number): string[] {
  if (thrown === undefined || thrown === null || depth > DEPTH_MAX) return [];
  const error = toError(thrown) as NodeJS.ErrnoException & {
    readonly type?: unknown;
    readonly details?: unknown;
  };
  const own = [error.code, error.type, error.details, error.name, error.message];
  const gathered: readonly unknown[] = error instanceof AggregateError ? error.errors : [];
  return [
    ...own.filter((word) => typeof word === 'string'),
    ...[error.cause, ...gathered].flatMap((inner) => wordsOf(inner, depth + 1)),
  ];
}

/** A server that is there, and cannot be talked to as things are set. Its message says it all. */
export class ConnectionFaultError extends SojournError {
  readonly kind: FaultKind;

  constructor(server: ServerKind, address: string, kind: FaultKind, cause: unknown) {
    super('SJ_SERVER_UNREACHABLE', faultSentence(server, address, kind), { cause });
    this.kind = kind;
  }
}

export function faultSentence(server: ServerKind, address: string, kind: FaultKind): string {
  return `${server} at ${publicAddress(address)}: ${FAULTS[kind]}; ${REMEDIES[server][kind]}`;
}
