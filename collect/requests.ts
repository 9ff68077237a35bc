/** Reading requests: keys, bodies in whatever wrapping, and who sent them. */
import { hash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, gunzipSync, inflate } from 'node:zlib';
import type { FastifyRequest } from 'fastify';
import { asRead } from '../trackers/properties.ts';
import type { Refusal } from './watch.ts';

/** What the sender has done wrong; the same again would be as wrong. */
export class BadRequestError extends Error {
  override readonly name = 'BadRequestError';
  readonly status: number;
  readonly reason: Refusal;
  constructor(message: string, status = 400, reason: Refusal = 'malformed') {
    super(message);
    this.status = status;
    this.reason = status === 413 ? 'large' : reason;
  }
}

/** As the largest of the trackers' own limits, that of RudderStack; packed or not. */
export const BODY_BYTES_MAX = 4 * 1024 * 1024;

const DECOMPRESSORS = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
} as const;
/** Less is unpacked sooner than another thread is asked. */
const SMALL_BYTES = 32 * 1024;

/**
 * @param encoding as the header Content-Encoding says
 * @throws BadRequestError 413 where it is larger than {@link BODY_BYTES_MAX}, 415 for an encoding that is not known
 */
export async function unpacked(body: Buffer, encoding: string | undefined): Promise<Buffer> {
  const name = (encoding ?? '').trim().toLowerCase();
  if (name === '' || name === 'identity') return body;
  if (!isKnown(name)) throw new BadRequestError('the content encoding is not known', 415);
  try {
    if (body.length <= SMALL_BYTES && DECOMPRESSORS[name] === DECOMPRESSORS.gzip) {
      return gunzipSync(body, { maxOutputLength: BODY_BYTES_MAX });
    }
    return await DECOMPRESSORS[name](body, { maxOutputLength: BODY_BYTES_MAX });
  } catch (error) {
    const isTooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw isTooLarge
      ? new BadRequestError('the body is too large', 413)
      : new BadRequestError(`the body is no ${name}`);
  }
}

function isKnown(name: string): name is keyof typeof DECOMPRESSORS {
  return Object.hasOwn(DECOMPRESSORS, name);
}

/** Whatever its content type says. */
export function bodyOf(request: FastifyRequest): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
}

/** @throws BadRequestError for what is no JSON */
export function jsonOf(body: Buffer | string): unknown {
  try {
    return JSON.parse(body.toString()) as unknown;
  } catch {
    throw new BadRequestError('the body must be JSON');
  }
}

/** A request has no more events: each is read before anybody else is answered. */
export const ELEMENTS_MAX = 10_000;
/** Nor do its events, as they are published, take more: what stands once in a request is in each of them. */
export const MADE_BYTES_MAX = 16 * 1024 * 1024;
/** Of so many an answer says what is wrong with each. */
export const NAMED_MAX = 1_000;

/** @throws BadRequestError 413 for more than {@link MADE_BYTES_MAX} */
export function checkMade(bytes: number, most = MADE_BYTES_MAX): void {
  if (bytes > most) {
    throw new BadRequestError('the events of a request take more than 16 MiB as published', 413);
  }
}

/** @throws BadRequestError 413 for more than {@link ELEMENTS_MAX} */
export function checkCount(count: number): void {
  if (count > ELEMENTS_MAX) {
    throw new BadRequestError(`a request has at most ${ELEMENTS_MAX} events`, 413);
  }
}

/** @throws BadRequestError 400 with `message` for what is no array, 413 for more than {@link ELEMENTS_MAX} */
export function elementsOf(value: unknown, message: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new BadRequestError(message);
  checkCount(value.length);
  return value as readonly unknown[];
}

/** A parameter of the address; of several with one name the last. */
export function parameterOf(request: FastifyRequest, name: string): string | undefined {
  const value = (request.query as Readonly<Record<string, unknown>>)[name];
  if (Array.isArray(value)) return (value as readonly string[]).at(-1);
  return typeof value === 'string' ? value : undefined;
}

/** The user of a login, as trackers put their key there; or the token of a bearer. */
export function authorizedAs(request: FastifyRequest): string | undefined {
  const [, scheme = '', value = ''] =
    /^(basic|bearer) +(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (scheme.toLowerCase() === 'bearer') return value;
  const [user] = Buffer.from(value, 'base64').toString().split(':');
  return user === '' ? undefined : user;
}

/** A user agent, for each event of a request. */
export interface Agent {
  /** As much of it as is read. */
  readonly userAgent: string | undefined;
  /** What a visitor's hash has of it: of a long one a hash, so that thousands of events do not take a second. */
  readonly hashed: string;
}

const AGENT_HASHED_MIN = 1_024;

export function agentOf(userAgent: string | undefined): Agent {
  const whole = userAgent ?? '';
  const hashed = whole.length < AGENT_HASHED_MIN ? whole : hash('sha256', whole, 'base64url');
  return { userAgent: asRead(userAgent), hashed };
}

/** By the header of the request. */
export function agentOfRequest(request: FastifyRequest): Agent {
  return agentOf(request.headers['user-agent']);
}

/** The first that a browser prefers. */
export function languageOf(request: FastifyRequest): string | undefined {
  const accepted = asRead(request.headers['accept-language'] ?? '');
  return /^[a-zA-Z]{1,8}(?:-[a-zA-Z0-9]{1,8})*/.exec(accepted)?.[0];
}
