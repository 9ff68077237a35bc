/** What the border costs: the worst messages of 1 MiB against `JSON.parse` of the same bytes, and ordinary ones. */
import { MESSAGE_BYTES_MAX } from '../shared/limits.ts';
import { parseMessage } from '../workers/ingest/parse-event.ts';
import type { Result, Scenario } from './scenario.ts';
import { spreadOf } from './stats.ts';
import { benchEvent } from './traffic.ts';
import { worstMessages } from './worst-messages.ts';

const RATIO_MAX = 5;

export const parse: Scenario = {
  name: 'parse',
  question: 'How long does the border take for a message, at worst and as a rule?',
  run(_world, scale, say) {
    const repeats = scale.pick({ quick: 5, default: 15, long: 40 });
    const results: Result[] = [];
    for (const { name, data } of worstMessages()) {
      const rounds = Array.from({ length: scale.rounds }, () => worstRound(data, repeats));
      const ratio = spreadOf(rounds.map(({ border, json }) => border / json));
      const took = spreadOf(rounds.map(({ border }) => border));
      const variant = name;
      results.push(
        {
          ...{ scenario: 'parse', variant, metric: 'border / JSON.parse', unit: '' },
          ...{ value: ratio.median, min: ratio.min, max: ratio.max },
          ...{ goal: `at most ${RATIO_MAX}`, reached: ratio.median <= RATIO_MAX },
        },
        {
          ...{ scenario: 'parse', variant, metric: 'border, 1 MiB', unit: 'ms' },
          ...{ value: took.median, min: took.min, max: took.max },
        },
      );
      say(`${name}: ${ratio.median.toFixed(2)} × JSON.parse, ${took.median.toFixed(1)} ms`);
    }
    const perSecond = spreadOf(
      Array.from({ length: scale.rounds }, () => ordinaryRound(scale.pick(ORDINARY))),
    );
    say(`ordinary messages: ${Math.round(perSecond.median)} events/s`);
    results.push({
      ...{ scenario: 'parse', variant: 'one event a message', metric: 'events', unit: '/s' },
      ...{ value: perSecond.median, min: perSecond.min, max: perSecond.max },
    });
    return Promise.resolve(results);
  },
};

const ORDINARY = { quick: 20_000, default: 200_000, long: 500_000 } as const;

/**
 * Both in turns, the best of some: what else the machine does is in neither. Where it does much, a clock of our own
 * CPU time tells them apart better.
 */
export function worstRound(
  data: Buffer,
  repeats: number,
  clockMs: () => number = () => performance.now(),
): { readonly border: number; readonly json: number } {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let [border, json] = [Infinity, Infinity];
  for (let n = 0; n < repeats; n += 1) {
    json = Math.min(
      json,
      timed(clockMs, () => {
        JSON.parse(decoder.decode(data));
      }),
    );
    border = Math.min(
      border,
      timed(clockMs, () => {
        parseMessage({ subject: 'events.bench.x', data, seq: 1, receivedAt: Date.now() });
      }),
    );
  }
  return { border, json };
}

function timed(clockMs: () => number, work: () => void): number {
  const begin = clockMs();
  work();
  return clockMs() - begin;
}

function ordinaryRound(messages: number): number {
  const at = Date.now();
  const payloads = Array.from({ length: 1_000 }, (_, n) =>
    Buffer.from(JSON.stringify(benchEvent(n, n % 5, 5, at))),
  );
  const begin = performance.now();
  for (let seq = 0; seq < messages; seq += 1) {
    const data = payloads[seq % payloads.length] ?? Buffer.alloc(MESSAGE_BYTES_MAX);
    parseMessage({ subject: 'events.bench.x', data, seq, receivedAt: at });
  }
  return (messages * 1_000) / (performance.now() - begin);
}
