/** Temporal: connections, the namespace's settings, and what is asked of it about sessions. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { InterceptingCall, type Interceptor, status as GrpcStatus } from '@grpc/grpc-js';
import {
  Client,
  Connection,
  type ConnectionLike,
  type ConnectionOptions,
  defaultGrpcRetryOptions,
  isGrpcServiceError,
  makeGrpcRetryInterceptor,
  type TLSConfig,
  WorkflowNotFoundError,
} from '@temporalio/client';
import type { SessionIsOver } from '../activities/purge-loaded.ts';
import { toError } from '../shared/errors.ts';
import { SEARCH_ATTRIBUTES } from '../shared/search-attributes.ts';
import type { Config } from './config.ts';
import { ConnectionFaultError } from './connection-fault.ts';
import type { Logger } from './log.ts';
import { operatorIdentity } from './operator.ts';
import { type Probe, probeTls } from './tls-probe.ts';
import { unreachable } from './unreachable.ts';

export type TemporalConfig = Config & { readonly TEMPORAL_ADDRESS: string };

/** Address, TLS and key, as both kinds of connection take them. */
export function connectionOptions(config: TemporalConfig) {
  const { TEMPORAL_TLS_CA, TEMPORAL_TLS_CERT, TEMPORAL_TLS_KEY } = config;
  const pair =
    TEMPORAL_TLS_CERT !== undefined && TEMPORAL_TLS_KEY !== undefined
      ? {
          clientCertPair: {
            crt: readFileSync(TEMPORAL_TLS_CERT),
            key: readFileSync(TEMPORAL_TLS_KEY),
          },
        }
      : undefined;
  const tls =
    pair !== undefined || TEMPORAL_TLS_CA !== undefined
      ? {
          ...(TEMPORAL_TLS_CA !== undefined && {
            serverRootCACertificate: readFileSync(TEMPORAL_TLS_CA),
          }),
          ...pair,
        }
      : config.TEMPORAL_TLS || config.TEMPORAL_API_KEY !== undefined;
  return {
    address: config.TEMPORAL_ADDRESS,
    tls,
    ...(config.TEMPORAL_API_KEY !== undefined && { apiKey: config.TEMPORAL_API_KEY }),
  } satisfies ConnectionOptions;
}

/** The same, for the look at why a connection failed. */
export function temporalProbe(config: TemporalConfig): Probe {
  const { tls } = connectionOptions(config);
  if (tls === false) return { tls: undefined };
  const { serverRootCACertificate: ca, clientCertPair } = (tls === true ? {} : tls) as TLSConfig;
  return {
    tls: {
      ...(ca && { ca: Buffer.from(ca) }),
      ...(clientCertPair && {
        cert: Buffer.from(clientCertPair.crt),
        key: Buffer.from(clientCertPair.key),
      }),
    },
  };
}

/** A page of a history may be as large as the history of a run; the library's limit is 4 MiB. */
const RECEIVED_BYTES_MAX = 64 * 1024 * 1024;

/** For commands: pure JavaScript, quick to load. @throws SojournError `SJ_SERVER_UNREACHABLE` after 5 s */
export async function connectTemporal(
  config: TemporalConfig,
): Promise<{ client: Client; connection: Connection }> {
  const options = {
    ...connectionOptions(config),
    connectTimeout: '5s',
    channelArgs: {
      'grpc.max_receive_message_length': RECEIVED_BYTES_MAX,
      // Else what is made in place of a connection that fell silent is that one again.
      'grpc.use_local_subchannel_pool': 1,
    },
  } satisfies ConnectionOptions;
  const connection = await connectUnlessFaulty(options, config).catch(
    unreachable('Temporal', config.TEMPORAL_ADDRESS),
  );
  await expectLogin(connection, config);
  const client = new Client({
    connection,
    namespace: config.TEMPORAL_NAMESPACE,
    identity: operatorIdentity(),
  });
  return { connection, client };
}

const LOGIN_MS_MAX = 5_000;

/**
 * Whoever connects is let in, also without a key or with that of another namespace: a server refuses what is asked of it
 * then. Where that is so the connection is closed.
 * @throws ConnectionFaultError
 */
export async function expectLogin(
  connection: ConnectionLike & { close(): Promise<void> },
  config: TemporalConfig,
): Promise<void> {
  try {
    await connection.withDeadline(Date.now() + LOGIN_MS_MAX, () =>
      connection.workflowService.describeNamespace({ namespace: config.TEMPORAL_NAMESPACE }),
    );
  } catch (error) {
    // That it is not there, or slow, is for whoever asks for more to find out.
    if (!isLoginRefused(error)) return;
    await connection.close();
    throw loginFault(config, error);
  }
}

/** For `catch`: what Temporal refused whoever was let in, with what to set; other errors are thrown as they are. */
export function unlessRefused(config: TemporalConfig): (error: unknown) => never {
  return (error) => {
    throw isLoginRefused(error) ? loginFault(config, error) : toError(error);
  };
}

function loginFault({ TEMPORAL_ADDRESS }: TemporalConfig, error: unknown): ConnectionFaultError {
  return new ConnectionFaultError('Temporal', TEMPORAL_ADDRESS, 'login', error);
}

/** Permission denied, unauthenticated. */
const LOGIN_CODES = new Set([7, 16]);

/** Whether the server does not let whoever asked do that. */
export function isLoginRefused(error: unknown): boolean {
  const cause = causeOf(error);
  return isGrpcServiceError(cause) && LOGIN_CODES.has(codeOf(cause));
}

/**
 * The library waits between two tries by a timer, and what a try on a closed connection throws is nobody's: it ends the
 * process. Here that is the end of the call, as any other.
 */
const unlessClosed: Interceptor = (options, nextCall) => {
  try {
    return new InterceptingCall(nextCall(options));
  } catch {
    return new InterceptingCall(CLOSED);
  }
};

const nothing = () => undefined;
const CLOSED: ConstructorParameters<typeof InterceptingCall>[0] = {
  start(metadata, listener) {
    setImmediate(() => {
      listener?.onReceiveMessage?.(null);
      const code = GrpcStatus.CANCELLED;
      listener?.onReceiveStatus?.({ code, details: 'the connection is closed', metadata });
    });
  },
  ...{ sendMessage: nothing, sendMessageWithContext: nothing, startRead: nothing },
  ...{ halfClose: nothing, cancelWithStatus: nothing },
  getPeer: () => '',
  getAuthContext: () => null,
};

/** Connects when it is first asked. What is asked of it fails once it is closed, also what was to be tried again. */
export function lazyConnection(options: ConnectionOptions): Connection {
  const interceptors = [makeGrpcRetryInterceptor(defaultGrpcRetryOptions()), unlessClosed];
  return Connection.lazy({ ...options, interceptors });
}

/** In less than that it connects, where it does. */
const LOOK_AFTER_MS = 1_500;

/** The library goes on trying, whatever is wrong with TLS, and says in the end no more than that time was up. */
async function connectUnlessFaulty(
  options: ConnectionOptions,
  config: TemporalConfig,
): Promise<Connection> {
  const connection = lazyConnection(options);
  const connecting = connection.ensureConnected();
  const looking = new AbortController();
  const fault = sleep(LOOK_AFTER_MS, undefined, { signal: looking.signal })
    .then(() => probeTls(config.TEMPORAL_ADDRESS, temporalProbe(config)))
    .then((kind) => {
      if (kind === undefined || looking.signal.aborted) return connecting;
      throw new ConnectionFaultError('Temporal', config.TEMPORAL_ADDRESS, kind, undefined);
    });
  try {
    await Promise.race([connecting, fault]);
    return connection;
  } catch (error) {
    // What failed dials on for half an hour, and what connects late does so for nobody. Closed while its library still
    // waits for it, gRPC would dial anew.
    connecting.finally(() => connection.close()).catch(() => undefined);
    throw error;
  } finally {
    looking.abort();
    fault.catch(() => undefined);
  }
}

/** The least retention a server accepts for a namespace of one cluster. */
const RETENTION_MS_MIN = 3_600_000;

/** gRPC status codes. */
const ALREADY_EXISTS = 6;
const NOT_FOUND = 5;

/**
 * Makes the namespace, its retention (`LATE_WINDOW`, an hour at least) and the search attributes;
 * safe to run again.
 */
export async function migrateTemporal(
  config: TemporalConfig,
  connection: Connection,
  log: Logger,
): Promise<void> {
  const namespace = config.TEMPORAL_NAMESPACE;
  const retentionMs = Math.max(config.LATE_WINDOW, RETENTION_MS_MIN);
  const workflowExecutionRetentionTtl = { seconds: Math.ceil(retentionMs / 1_000) as never };
  const service = connection.workflowService;
  try {
    await service.describeNamespace({ namespace });
    await service.updateNamespace({ namespace, config: { workflowExecutionRetentionTtl } });
  } catch (error) {
    if (!isGrpcServiceError(error) || codeOf(error) !== NOT_FOUND) throw error;
    await service.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: workflowExecutionRetentionTtl,
      description: 'Sojourn visitor sessions',
    });
    log.info({ namespace }, 'temporal namespace created');
  }
  await onceKnown(namespace, () => addSearchAttributes(connection, namespace), log);
}

/** A server knows of a new namespace only after its cache was read anew: 2 to 10 s. */
const NEW_NAMESPACE = { tries: 40, everyMs: 500 } as const;

/** @throws what `work` throws, but "not found" only after 20 s */
async function onceKnown(namespace: string, work: () => Promise<void>, log: Logger): Promise<void> {
  for (let tried = 1; ; tried += 1) {
    try {
      await work();
      return;
    } catch (error) {
      const isUnknown = isGrpcServiceError(error) && codeOf(error) === NOT_FOUND;
      if (!isUnknown || tried >= NEW_NAMESPACE.tries) throw error;
      if (tried === 1) log.info({ namespace }, 'waiting until temporal knows the new namespace');
      await sleep(NEW_NAMESPACE.everyMs);
    }
  }
}

async function addSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const operator = connection.operatorService;
  const { customAttributes } = await operator.listSearchAttributes({ namespace });
  const types = { KEYWORD: 2, BOOL: 5 } as const;
  const missing = Object.entries(SEARCH_ATTRIBUTES).filter(([name]) => !(name in customAttributes));
  if (missing.length === 0) return;
  try {
    await operator.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map(([name, type]) => [name, types[type]])),
    });
  } catch (error) {
    // Another process was quicker.
    if (!isGrpcServiceError(error) || codeOf(error) !== ALREADY_EXISTS) throw error;
  }
}

/**
 * Whether a session writes no more: its newest run ended by itself, or its retention is over. A terminated one may
 * have written what it could not remember: its successor will meet it.
 */
export function createSessionIsOver(client: Client, log: Logger): SessionIsOver {
  return async (workflowId) => {
    try {
      const { status } = await client.workflow.getHandle(workflowId).describe();
      return status.name === 'COMPLETED';
    } catch (error) {
      if (isWorkflowGone(error)) return true;
      if (isServerAway(error)) throw error;
      // One that cannot be told must not keep the records of all others.
      log.warn(
        { err: error, workflowId },
        'whether a session is over cannot be told, its records stay',
      );
      return false;
    }
  };
}

/** The code as a plain number: the client's enumeration is not exported. */
function codeOf({ code }: { readonly code: number }): number {
  return code;
}

/** Whether an error says that there is no such workflow, or that it has closed. */
export function isWorkflowGone(error: unknown): boolean {
  return error instanceof WorkflowNotFoundError;
}

/** Not found. */
const GONE_CODE = 5;

/**
 * The same where a history was asked for: the library hands on what the server says of that as it is. A namespace that is
 * not there says nothing of its workflows.
 */
export function isHistoryGone(error: unknown): boolean {
  if (isWorkflowGone(error)) return true;
  if (!isGrpcServiceError(error) || codeOf(error) !== GONE_CODE) return false;
  return !/namespace/i.test(error.details);
}

/**
 * Codes of a server that is away or starting: cancelled, unavailable. Not "exhausted" and "deadline":
 * one busy workflow answers so too, and the others must not notice.
 */
const AWAY_CODES = new Set([1, 14]);

/** Codes that are about what was asked for: invalid, failed precondition, out of range, not implemented. */
const REFUSED_CODES = new Set([3, 9, 11, 12]);

/** Errors of the client libraries that are no gRPC errors, and yet concern every session. */
const WHOLE_SERVER = new Set(['TransportError', 'NamespaceNotFoundError']);

/** Whether an error is about the server as a whole, not about what it was asked. */
export function isServerAway(error: unknown): boolean {
  const cause = causeOf(error);
  if (cause instanceof Error && WHOLE_SERVER.has(cause.name)) return true;
  // A key that has expired meanwhile is nothing that a session could do anything about.
  if (isLoginRefused(cause)) return true;
  return isGrpcServiceError(cause) && AWAY_CODES.has(codeOf(cause));
}

/**
 * Whether an error is about what was asked for, beyond doubt: the server refused just that, or never got to see it.
 * Of others only time tells, by whether it takes other things meanwhile.
 */
export function isRefused(error: unknown): boolean {
  const cause = causeOf(error);
  return isGrpcServiceError(cause) ? REFUSED_CODES.has(codeOf(cause)) : !isServerAway(cause);
}

/** What a client's error wraps; of what is no gRPC error, itself. */
function causeOf(error: unknown): unknown {
  const inner = error instanceof Error ? error.cause : undefined;
  return inner instanceof Error ? inner : error;
}
