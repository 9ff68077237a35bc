/** NATS: the connection, the streams, and the rollup log on JetStream. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ConsumerInfo,
  DiscardPolicy,
  jetstream,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import {
  AuthorizationError,
  connect,
  credsAuthenticator,
  headers,
  nanos,
  type NatsConnection,
  nkeyAuthenticator,
  UserAuthenticationExpiredError,
} from '@nats-io/transport-node';
import type { ActivityDeps } from '../activities/index.ts';
import {
  DEADLETTERS_STREAM,
  EVENTS_CONSUMER,
  EVENTS_STREAM,
  FORGOTTEN_BUCKET,
  FORGOTTEN_STREAM,
  INGEST_FLOOR_SUBJECT,
  INGEST_STREAM,
  LOADED_SUBJECT,
  METRICS_STREAM,
  PROJECTS_BUCKET,
  PROJECTS_STREAM,
  QUOTA_SUBJECT,
  ROLLUPS_STREAM,
} from '../shared/ids.ts';
import { byteSizeText } from '../shared/byte-size.ts';
import { SojournError } from '../shared/errors.ts';
import { MESSAGE_BYTES_MAX } from '../shared/limits.ts';
import type { LogRange } from '../shared/ranges.ts';
import { createRangeSums, decodeRollup, type RangeSums } from '../shared/rollup.ts';
import type { Config } from './config.ts';
import { faultSentence } from './connection-fault.ts';
import { borderSettings } from './event-streams.ts';
import { type EventsRoom, roomOf } from './events-room.ts';
import { ensureEventsConsumer } from './events-consumer.ts';
import type { EventsFrom } from './events-from.ts';
import { ensureHashKey } from './forgotten-bucket.ts';
import { askThroughElections, onceJetStreamAnswers, throughElection } from './jetstream-away.ts';
import type { Logger } from './log.ts';
import { watchFault } from './nats-fault.ts';
import { linkChanges } from './nats-link.ts';
import { ownStandstill } from './standstill.ts';
import { readAhead, readRange } from './stream-range.ts';
import { beginRecord, createRangeTraces, setTraces, traceparentHeader } from './rollup-traces.ts';
import { createDatedLog, partitionFilter, readEnd } from './rollup-places.ts';
import {
  type NatsPlace,
  NO_PEERS,
  NOT_CLUSTERED,
  replicasFor,
  replicasWanted,
  replicaWarning,
  tooManyReplicas,
} from './stream-replicas.ts';
import { readTlsFiles } from './tls-files.ts';
import type { Probe } from './tls-probe.ts';
import type { Tracing } from './tracing.ts';
import { connectionFault, unreachable } from './unreachable.ts';

export interface Nats {
  readonly connection: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
}

/** Seconds between two tries while a server is away. */
const RECONNECT_WAIT_MS = 500;

/**
 * Connects, and stays connected: the client reconnects for as long as the process lives.
 * @throws SojournError `SJ_SERVER_UNREACHABLE` where no server answers within 5 s
 */
export async function connectNats(
  config: Config & { readonly NATS_URL: string },
  name: string,
  log: Logger,
): Promise<Nats> {
  const { NATS_TLS_CA, NATS_TLS_CERT, NATS_TLS_KEY } = config;
  const tls = {
    ...(NATS_TLS_CA !== undefined && { caFile: NATS_TLS_CA }),
    ...(NATS_TLS_CERT !== undefined && { certFile: NATS_TLS_CERT }),
    ...(NATS_TLS_KEY !== undefined && { keyFile: NATS_TLS_KEY }),
  };
  const servers = config.NATS_URL.split(',').map((one) => one.trim());
  // The client takes credentials as options only; a URL may carry them as well.
  const { username, password } = new URL(servers[0] ?? '');
  // Without the option the client takes a server's word for it that there is no TLS, whatever the address says.
  const wantsTls = servers.some((one) => /^(tls|wss):/.test(one));
  const connection = await connect({
    servers,
    name,
    timeout: 5_000,
    maxReconnectAttempts: -1,
    // Else the second login that is refused ends the connection for good, whatever the server says later.
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    // Else each request makes errors in advance, to tell of its caller should it fail.
    noAsyncTraces: true,
    // A connection that nobody answers on is given up after the third, so after 15 s.
    pingInterval: 5_000,
    ...(username !== '' && {
      user: decodeURIComponent(username),
      pass: decodeURIComponent(password),
    }),
    ...(config.NATS_USER !== undefined && { user: config.NATS_USER }),
    ...(config.NATS_PASSWORD !== undefined && { pass: config.NATS_PASSWORD }),
    ...(config.NATS_TOKEN !== undefined && { token: config.NATS_TOKEN }),
    ...(config.NATS_CREDS !== undefined && {
      authenticator: credsAuthenticator(readFileSync(config.NATS_CREDS)),
    }),
    ...(config.NATS_NKEY !== undefined && {
      authenticator: nkeyAuthenticator(seedOf(readFileSync(config.NATS_NKEY, 'utf8'))),
    }),
    // A user of one tenant may be allowed to listen there only.
    ...(config.NATS_INBOX_PREFIX !== undefined && { inboxPrefix: config.NATS_INBOX_PREFIX }),
    ...((wantsTls || Object.keys(tls).length > 0) && { tls: { ...tls, ...checkedAs(servers) } }),
  }).catch(unreachable('NATS', config.NATS_URL, natsProbe(config)));
  watch(connection, log);
  askThroughElections(connection);
  watchLogin(connection, config.NATS_URL, log);
  watchFault(connection, () => natsTlsFault(config), log);
  const jsm = await jetstreamManager(connection, { checkAPI: false });
  return { connection, js: jetstream(connection), jsm };
}

/** The client says no more than that time was up where the server refuses its certificate. */
/** What is wrong with TLS on the way to it, for whoever has lost it; undefined where nothing shows. */
export async function natsTlsFault(config: Config & { readonly NATS_URL: string }) {
  return connectionFault('NATS', config.NATS_URL, undefined, natsProbe(config));
}

function natsProbe({ NATS_TLS_CA, NATS_TLS_CERT, NATS_TLS_KEY }: Config): Probe {
  return {
    greets: true,
    tls: readTlsFiles({ ca: NATS_TLS_CA, cert: NATS_TLS_CERT, key: NATS_TLS_KEY }),
  };
}

/** The client would have the certificate of a numeric address be one for `localhost`. */
function checkedAs([first = '', ...others]: readonly string[]): { host?: string } {
  const host = new URL(first).hostname.replace(/^\[|\]$/g, '');
  return others.length === 0 && isIP(host) !== 0 ? { host } : {};
}

/** Of a file as the NATS tools write it: the seed alone, or between lines that begin with a dash. */
function seedOf(content: string): Uint8Array {
  const seed = content.split(/\s+/).find((word) => /^SU[A-Z2-7]{56}$/.test(word));
  if (seed === undefined) {
    throw new SojournError(
      'SJ_CONFIG',
      'wrong configuration: NATS_NKEY must be a file with the seed of a user (SU…)',
    );
  }
  return new TextEncoder().encode(seed);
}

function watch(connection: NatsConnection, log: Logger): void {
  const follow = async () => {
    for await (const { type, server } of linkChanges(connection)) {
      if (type === 'disconnect') log.warn({ server }, 'nats connection lost');
      else log.info({ server }, 'nats connection is back');
    }
  };
  follow().catch((error: unknown) => {
    log.error({ err: error }, 'nats status watch ended');
  });
}

/** A login that the server refuses is said in the words of a first connect, once until the connection is back: the client tries on without a word. */
export function watchLogin(
  connection: Pick<NatsConnection, 'status'>,
  address: string,
  log: Logger,
): void {
  const follow = async () => {
    let isSaid = false;
    for await (const status of connection.status()) {
      if (status.type === 'reconnect') isSaid = false;
      if (isSaid || status.type !== 'error' || !isLoginRefused(status.error)) continue;
      isSaid = true;
      const fault = faultSentence('NATS', address, 'login');
      log.warn({ fault }, 'nats cannot be used as things are set');
    }
  };
  follow().catch((error: unknown) => {
    log.error({ err: error }, 'nats login watch ended');
  });
}

/** The client has one class for a login that is refused and for one that came too late, as to a server that is busy. */
function isLoginRefused(error: unknown): boolean {
  if (error instanceof UserAuthenticationExpiredError) return true;
  return error instanceof AuthorizationError && !/authentication timeout/i.test(error.message);
}

const DAY_MS = 86_400_000;
/** Values of the settings of a project: the last ones. */
export const SETTINGS_KEPT = 5;

type StreamShape = Partial<StreamConfig> & { readonly name: string; readonly subjects: string[] };

/** The streams. Full streams refuse instead of forgetting, but for announcements. */
const STREAMS: readonly StreamShape[] = [
  {
    name: DEADLETTERS_STREAM,
    subjects: ['deadletters.*'],
    discard: DiscardPolicy.New,
    duplicate_window: nanos(3_600_000),
  },
  {
    name: EVENTS_STREAM,
    subjects: ['events.>'],
    discard: DiscardPolicy.New,
    max_age: nanos(7 * DAY_MS),
    // Ingest looks past the queue of one project for the messages of others.
    allow_direct: true,
  },
  {
    name: ROLLUPS_STREAM,
    subjects: ['rollups.*.*.*'],
    discard: DiscardPolicy.New,
    max_msgs_per_subject: 1,
    discard_new_per_subject: true,
    // The subject is the identity; the window is not leaned on.
    duplicate_window: nanos(100),
  },
  {
    name: METRICS_STREAM,
    subjects: ['metrics.updated.*'],
    discard: DiscardPolicy.Old,
    max_age: nanos(DAY_MS),
    max_bytes: 1024 ** 3,
    duplicate_window: nanos(120_000),
  },
  {
    name: INGEST_STREAM,
    subjects: [INGEST_FLOOR_SUBJECT, `${LOADED_SUBJECT}.*`, `${QUOTA_SUBJECT}.*`],
    discard: DiscardPolicy.Old,
    max_msgs_per_subject: 1,
    duplicate_window: nanos(100),
  },
  {
    // A key-value bucket, as any client of NATS would make it; `nats kv history` shows what was set before.
    name: PROJECTS_STREAM,
    subjects: [`$KV.${PROJECTS_BUCKET}.>`],
    discard: DiscardPolicy.New,
    max_msgs_per_subject: SETTINGS_KEPT,
    allow_rollup_hdrs: true,
    allow_direct: true,
  },
  {
    name: FORGOTTEN_STREAM,
    subjects: [`$KV.${FORGOTTEN_BUCKET}.>`],
    discard: DiscardPolicy.New,
    max_msgs_per_subject: 1,
    allow_rollup_hdrs: true,
    allow_direct: true,
  },
];

/** Of all that `migrate` makes. */
export const STREAM_NAMES: readonly string[] = STREAMS.map(({ name }) => name);

export interface MigrateStreams {
  /** Where a consumer that has to be made begins. */
  readonly from?: EventsFrom | undefined;
  /** `STREAM_REPLICAS`, where it is set. */
  readonly replicas?: number | undefined;
  /** `EVENTS_MAX_BYTES`, where it is set; else what an operator chose stays. */
  readonly eventsBytesMax?: number | undefined;
}

function placeOf({ connection }: Pick<Nats, 'connection'>, configured: number | undefined) {
  return { configured, isClustered: connection.info?.cluster !== undefined };
}

/**
 * Asks nothing where NATS is one server.
 * @param configured `STREAM_REPLICAS`, where it is set
 * @returns a sentence about streams with fewer copies than they should have; undefined where none has
 * @throws what the client throws
 */
export async function fewerReplicas(
  nats: Pick<Nats, 'connection' | 'jsm'>,
  configured: number | undefined,
): Promise<string | undefined> {
  const place = placeOf(nats, configured);
  if (!place.isClustered) return undefined;
  const streams = await Promise.all(STREAMS.map(({ name }) => nats.jsm.streams.info(name)));
  return replicaWarning(streams, place);
}

/**
 * Creates or updates streams and the ingest consumer; safe to run again.
 * @throws SojournError `SJ_MIGRATION` where nobody knows where a consumer begins, or NATS cannot keep so many copies;
 * `SJ_SERVER_UNREACHABLE` where JetStream does not answer
 */
export async function migrateStreams(
  nats: Nats,
  log: Logger,
  { from, replicas, eventsBytesMax }: MigrateStreams = {},
): Promise<void> {
  const place = placeOf(nats, replicas);
  const mayWait = createPatience(PEERS_MS_MAX);
  for (const one of STREAMS) {
    const isLimited = one.name === EVENTS_STREAM && eventsBytesMax !== undefined;
    const shape = { ...one, ...(isLimited && { max_bytes: eventsBytesMax }) };
    await onceJetStreamAnswers(() => migrateStream(nats, shape, { place, mayWait, log })).catch(
      (error: unknown) => {
        throw isLimited && isApiError(error, NO_STORAGE) ? noStorage(eventsBytesMax, error) : error;
      },
    );
  }
  const warning = await onceJetStreamAnswers(() => fewerReplicas(nats, replicas));
  if (warning !== undefined) log.warn(warning);
  await onceJetStreamAnswers(() => ensureHashKey(nats));
  const consumer = await onceJetStreamAnswers(() => ensureEventsConsumer(nats, from));
  log.debug({ consumer: EVENTS_CONSUMER, ...consumer }, 'consumer is ready');
  if (consumer.beginsAt !== undefined) {
    log.warn(
      { from, beginsAt: consumer.beginsAt },
      `${EVENTS_STREAM} has events from ${consumer.beginsAt} on only: what was published before is not there to be offered again`,
    );
  }
  if (from !== undefined && !consumer.created) {
    log.warn('the consumer is there, and goes on where it is: it was not told where to begin');
  }
}

/** A limit is storage that the server keeps free for its stream. */
const NO_STORAGE = 10047;

function noStorage(bytes: number, cause: unknown): SojournError {
  return new SojournError(
    'SJ_MIGRATION',
    `EVENTS_MAX_BYTES is ${byteSizeText(bytes)}, and NATS has not so much storage left; give it more (\`max_file_store\`), or set less`,
    { cause },
  );
}

/** Servers of a cluster that has just started hear of each other within that. */
const PEERS_MS_MAX = 10_000;

/** Whether there is time left, from when that is first asked. */
function createPatience(ms: number): () => boolean {
  let giveUpAt: number | undefined;
  return () => {
    giveUpAt ??= Date.now() + ms;
    return Date.now() < giveUpAt;
  };
}

interface Peers {
  readonly place: NatsPlace;
  /** Whether to wait for more servers, all streams together. */
  readonly mayWait: () => boolean;
}

async function migrateStream(
  { jsm, connection }: Pick<Nats, 'jsm' | 'connection'>,
  shape: StreamShape,
  { log, ...peers }: Peers & { readonly log: Logger },
): Promise<void> {
  const server = {
    version: connection.info?.version ?? '0.0.0',
    payloadMax: connection.info?.max_payload ?? MESSAGE_BYTES_MAX,
  };
  const config = { storage: StorageType.File, retention: RetentionPolicy.Limits, ...shape };
  const found = await jsm.streams.info(shape.name).catch((error: unknown) => {
    if (isApiError(error, 10059)) return undefined;
    throw error;
  });
  const settings = borderSettings(shape.name, found?.config, server, { bytesMax: shape.max_bytes });
  const before = found?.config.num_replicas;
  const save = (copies: number) =>
    found === undefined
      ? jsm.streams.add({ ...config, ...settings, num_replicas: copies })
      : // What an operator chose (placement, limits, more copies) stays; only the shape is ours.
        jsm.streams.update(shape.name, { ...shape, ...settings, num_replicas: copies });
  const { num_replicas: after } = (await withPeers(save, before, peers)).config;
  if (before !== undefined && after > before) {
    log.info({ stream: shape.name, from: before, to: after }, 'stream is kept on more servers now');
  }
  log.debug({ stream: shape.name, created: found === undefined, copies: after }, 'stream is ready');
}

/**
 * Where nobody has said how many copies, a cluster with too few servers for the default gets what it had, and a warning.
 * @throws SojournError `SJ_MIGRATION` where somebody has; what the client throws
 */
async function withPeers(
  save: (copies: number) => Promise<StreamInfo>,
  before: number | undefined,
  { place, mayWait }: Peers,
): Promise<StreamInfo> {
  const wanted = replicasFor(before, replicasWanted(place));
  for (;;) {
    try {
      return await save(wanted);
    } catch (error) {
      const isLacking = isApiError(error, NO_PEERS);
      if (!isLacking && !isApiError(error, NOT_CLUSTERED)) throw error;
      if (isLacking && mayWait()) {
        await sleep(500);
        continue;
      }
      if (place.configured === wanted) throw tooManyReplicas(wanted, error);
      if (wanted === before) throw error;
      return save(before ?? 1);
    }
  }
}

/** How EVENTS is set. @throws what the client throws */
export async function eventsConfig({ jsm }: Pick<Nats, 'jsm'>): Promise<StreamConfig> {
  return (await jsm.streams.info(EVENTS_STREAM)).config;
}

/** Whether JetStream refused with this error code. */
export function isApiError(error: unknown, code: number): boolean {
  return error instanceof JetStreamApiError && error.code === code;
}

/**
 * Takes a message out of a stream. That another did so before is fine; the server has several codes for it,
 * which also mean other things, so it is asked whether the message is there.
 * @param erase its bytes are written over as well, which takes the server longer
 * @throws what the client throws where the message is still there
 */
export async function removeMessage(
  { jsm }: Pick<Nats, 'jsm'>,
  stream: string,
  seq: number,
  erase = false,
): Promise<void> {
  try {
    await jsm.streams.deleteMessage(stream, seq, erase);
  } catch (error) {
    if (!(error instanceof JetStreamApiError)) throw error;
    if ((await jsm.streams.getMessage(stream, { seq })) !== null) throw error;
  }
}

/** "could not be stored", followed by the reason: also where the stream is full. */
const NOT_STORED = 10077;
const SUBJECT_TAKEN = /maximum messages per subject/;

/** The workflow id of the session that wrote a record, for the purge. */
const SESSION_HEADER = 'Sojourn-Session';
/**
 * For so long a write is tried again while a leader is elected, which takes NATS 4 to 9 s. A workflow task has 10 s:
 * one that fails is done again at once, and where it fails again not before those are over.
 */
const WRITE_WITHIN_MS = 7_000;

/** The rollup log on JetStream. @param tracing without it a record brings no traces, and nobody looks for them */
export function createRollupLog(
  { connection, js, jsm }: Nats,
  standstill = ownStandstill(),
  tracing?: Tracing,
): ActivityDeps['log'] {
  const dated = createDatedLog({ js, jsm });

  return {
    async append(subject, data, workflowId, traces) {
      const head = headers();
      head.set(SESSION_HEADER, encodeURIComponent(workflowId));
      const spans =
        tracing && traces && beginRecord(tracing, { subject, data, workflowId }, traces);
      if (spans !== undefined) setTraces(head, spans);
      const mark = standstill.mark();
      const publish = async () => {
        standstill.assertNoneSince(mark);
        return js.publish(subject, data, { headers: head, timeout: 2_000 });
      };
      try {
        await throughElection(publish, WRITE_WITHIN_MS);
        spans?.done(true);
        return true;
      } catch (error) {
        const isTaken = isApiError(error, NOT_STORED) && SUBJECT_TAKEN.test(String(error));
        if (!isTaken) spans?.failed(error);
        if (!isTaken) throw error;
        spans?.done(false);
        return false;
      }
    },

    async read(subject) {
      const message = await jsm.streams.getMessage(ROLLUPS_STREAM, { last_by_subj: subject });
      return message?.string();
    },

    async end(partition) {
      const { info, ...end } = await readEnd({ jsm }, partition);
      const { bytes, messages } = info.state;
      return { ...end, recordBytes: bytes / Math.max(1, messages) };
    },

    ...dated,

    async nextArrival(partition, ms, stop) {
      const subscription = connection.subscribe(partitionFilter(partition), { max: 1 });
      const unsubscribe = () => {
        subscription.unsubscribe();
      };
      const timer = setTimeout(unsubscribe, ms);
      stop.addEventListener('abort', unsubscribe);
      try {
        for await (const _message of subscription) return true;
        return false;
      } finally {
        clearTimeout(timer);
        stop.removeEventListener('abort', unsubscribe);
        unsubscribe();
      }
    },

    async sumRange(range) {
      const isThere = range.at === undefined || (await dated.timeOf(range.to)) === range.at;
      return isThere ? sumRange(js, range, tracing !== undefined) : sumRest(js, range);
    },

    async *heads(partition, upTo, from) {
      const subject = partitionFilter(partition);
      const range = { subject, to: upTo, headersOnly: true, ...(from && { from }) } as const;
      for await (const { seq, headers } of readRange(js, { stream: ROLLUPS_STREAM, ...range })) {
        yield { seq, workflowId: decodeURIComponent(headers?.get(SESSION_HEADER) ?? '') };
      }
    },

    async purgeBefore(partition, seq) {
      await jsm.streams.purge(ROLLUPS_STREAM, { seq, filter: partitionFilter(partition) });
    },

    remove: (seq) => removeMessage({ jsm }, ROLLUPS_STREAM, seq),
  };
}

async function sumRange(
  js: JetStreamClient,
  range: LogRange,
  isTraced: boolean,
): Promise<RangeSums> {
  const traces = isTraced ? createRangeTraces() : undefined;
  const { partition, from, to } = range;
  const sums = createRangeSums();
  let lastSeq = 0;
  let lastAt = '';
  let behind = 0;
  const subject = partitionFilter(partition);
  for await (const message of readAhead(js, { stream: ROLLUPS_STREAM, subject, from, to })) {
    lastSeq = message.seq;
    lastAt = String(message.timestampNanos);
    behind = message.info.pending;
    if (message.seq > to) continue;
    sums.add(decodeRollup(message.string()));
    traces?.add(message.headers);
  }
  if (lastSeq < to) throw new Error(`rollup log ended at ${lastSeq}, before ${to}`);
  if (range.at !== undefined && lastAt !== range.at) {
    throw new Error('rollup log was put back while a range was read');
  }
  const bundle = traces?.bundle();
  return { ...sums.sums(behind), lastAt, ...(bundle !== undefined && { traces: bundle }) };
}

/** What a log that was put back still has of a range: what it took later is not part of it. */
async function sumRest(
  js: JetStreamClient,
  { partition, from, to, at = '' }: LogRange,
): Promise<RangeSums> {
  const sums = createRangeSums();
  const subject = partitionFilter(partition);
  for await (const message of readRange(js, { stream: ROLLUPS_STREAM, subject, from, to })) {
    if (message.timestampNanos > BigInt(at)) break;
    sums.add(decodeRollup(message.string()));
  }
  return { ...sums.sums(), isCut: true };
}

/** Publishes announcements durably. */
export function createAnnouncer({ js }: Pick<Nats, 'js'>): ActivityDeps['announcer'] {
  return {
    async announce(subject, data, { messageId, isPatient, traceparent }) {
      const options = {
        ...{ msgID: messageId, timeout: 2_000 },
        ...(traceparent !== undefined && { headers: traceparentHeader(traceparent) }),
      };
      const publish = () => js.publish(subject, data, options);
      await (isPatient ? throughElection(publish, WRITE_WITHIN_MS) : publish());
    },
  };
}

/** What an operator wants to know of the streams. */
export async function streamFigures({ jsm }: Pick<Nats, 'jsm'>): Promise<{
  readonly eventsLastSeq: number;
  /** Where EVENTS has a limit. */
  readonly eventsRoom: EventsRoom | undefined;
  readonly consumer: ConsumerInfo;
  readonly rollups: StreamInfo;
  readonly deadLetters: number;
}> {
  const [events, consumer, rollups, deadLetters] = await Promise.all([
    jsm.streams.info(EVENTS_STREAM),
    jsm.consumers.info(EVENTS_STREAM, EVENTS_CONSUMER),
    jsm.streams.info(ROLLUPS_STREAM),
    jsm.streams.info(DEADLETTERS_STREAM),
  ]);
  return {
    eventsLastSeq: events.state.last_seq,
    eventsRoom: roomOf(events),
    consumer,
    rollups,
    deadLetters: deadLetters.state.messages,
  };
}
