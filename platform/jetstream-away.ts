/**
 * JetStream that does not answer though NATS does. The client says "jetstream is not enabled" to that, but it is so
 * as well while a cluster elects a leader: only time tells.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { SojournError, toError } from '../shared/errors.ts';

/** A leader is elected in less. */
const AWAY_MS_MAX = 15_000;
const AGAIN_MS = 500;

/** Names of what the client throws where nobody answers, or not in time. */
const AWAY = new Set(['JetStreamNotEnabled', 'NoRespondersError', 'TimeoutError']);

/** Whether JetStream did not answer, which may pass. */
export function isJetStreamAway(error: unknown): boolean {
  return AWAY.has(toError(error).name);
}

/**
 * Tries again while JetStream does not answer.
 * @param work may be done again
 * @throws SojournError `SJ_SERVER_UNREACHABLE` after 15 s; at once what else `work` throws
 */
export async function onceJetStreamAnswers<T>(work: () => Promise<T>): Promise<T> {
  const giveUpAt = Date.now() + AWAY_MS_MAX;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isJetStreamAway(error)) throw error;
      if (Date.now() >= giveUpAt) {
        throw new SojournError(
          'SJ_SERVER_UNREACHABLE',
          'NATS answers, but its JetStream does not: it is electing a leader, its disk is in trouble, or JetStream is not enabled for this account',
          { cause: error },
        );
      }
      await sleep(AGAIN_MS);
    }
  }
}
