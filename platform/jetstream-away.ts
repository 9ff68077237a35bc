/**
 * JetStream that does not answer though NATS does, as while a cluster elects a leader: only time tells whether it
 * passes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { JetStreamApiError } from '@nats-io/jetstream';
import { errors, type NatsConnection } from '@nats-io/transport-node';
import { SojournError, toError } from '../shared/errors.ts';

/** A leader is elected in less. */
const AWAY_MS_MAX = 15_000;
const AGAIN_MS = 250;

/** Nobody takes a request: a stream is electing its leader, or is missing, or there is no JetStream. */
export class NobodyAnswersError extends Error {
  override readonly name = 'NobodyAnswersError';

  constructor(subject: string) {
    super(
      `nobody in NATS answers on ${subject}: its stream is electing a leader, which passes, or is missing, or JetStream is off`,
    );
  }
}

/**
 * Makes requests fit for a cluster that elects leaders. What only asks is sent again every half second while nobody has
 * answered: it is lost where it is sent to a leader that is not there any more, however soon there is another one.
 * And to a request that nobody takes the client says "jetstream is not enabled", whatever the reason; it passes on
 * what it does not know, so it is given an error that it does not know.
 */
export function askThroughElections(connection: NatsConnection): void {
  const request = connection.request.bind(connection);
  connection.request = async (subject, payload, options) => {
    try {
      if (options === undefined || !MAY_REPEAT.test(subject)) {
        return await request(subject, payload, options);
      }
      const ask = (timeout: number) => request(subject, payload, { ...options, timeout });
      return await repeatedly(ask, options.timeout);
    } catch (error) {
      const isNobody = error instanceof errors.RequestError && error.isNoResponders();
      throw isNobody ? new NobodyAnswersError(subject) : error;
    }
  };
}

/** To make a consumer that is there, with the same settings, is to ask for it. */
const MAY_REPEAT =
  /^\$JS\.(\w+\.)?API\.(STREAM\.INFO|STREAM\.MSG\.GET|CONSUMER\.INFO|CONSUMER\.CREATE)\./;
const REPEAT_MS = 500;

/** The first outcome counts. All time out together, so that a slow answer to the first is heard as well. */
function repeatedly<T>(ask: (timeout: number) => Promise<T>, timeoutMs: number): Promise<T> {
  const giveUpAt = Date.now() + timeoutMs;
  return new Promise((resolve, reject) => {
    const once = () => {
      ask(Math.max(1, giveUpAt - Date.now()))
        .then(resolve, reject)
        .finally(() => {
          clearInterval(timer);
        });
    };
    const timer = setInterval(once, REPEAT_MS);
    once();
  });
}

/** Names of what is thrown where nobody answers, or not in time. */
const AWAY = new Set([
  'NobodyAnswersError',
  'JetStreamNotEnabled',
  'NoRespondersError',
  'TimeoutError',
]);

/** "JetStream system temporarily unavailable", "not a leader", "stream is offline", "consumer is offline". */
const AWAY_CODES = new Set([10_008, 10_009, 10_118, 10_119]);

/** Whether JetStream did not answer, or that it cannot for now, which may pass. */
export function isJetStreamAway(error: unknown): boolean {
  if (error instanceof JetStreamApiError) return AWAY_CODES.has(error.code);
  return AWAY.has(toError(error).name);
}

/**
 * Tries again while JetStream does not answer.
 * @param work may be done again
 * @param startWithinMs no try begins later
 * @throws what `work` throws: at once where it is something else, else of the last try
 */
export async function throughElection<T>(work: () => Promise<T>, startWithinMs: number) {
  const giveUpAt = Date.now() + startWithinMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isJetStreamAway(error) || Date.now() + AGAIN_MS > giveUpAt) throw error;
      await sleep(AGAIN_MS);
    }
  }
}

/**
 * The same, for what starts.
 * @throws SojournError `SJ_SERVER_UNREACHABLE` after 15 s; at once what else `work` throws
 */
export async function onceJetStreamAnswers<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await throughElection(work, AWAY_MS_MAX);
  } catch (error) {
    if (!isJetStreamAway(error)) throw error;
    throw new SojournError(
      'SJ_SERVER_UNREACHABLE',
      'NATS answers, but its JetStream does not: it is electing a leader, its disk is in trouble, or JetStream is not enabled for this account',
      { cause: error },
    );
  }
}
