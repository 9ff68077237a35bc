/**
 * Asks processes for their health as orchestrators and Prometheus do, and remembers which figures have moved, and how long
 * the machine stood still meanwhile.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { eventually } from './eventually.ts';

export interface Answer {
  readonly code: number;
  readonly body: unknown;
}

export interface HealthProbe {
  ask(path: string, at: string): Promise<Answer>;
  /** Values by name and labels, as they stand in the text. */
  scrape(at: string): Promise<ReadonlyMap<string, number>>;
  /** Names that a process tells, and what type each is of. */
  typesOf(at: string): Promise<ReadonlyMap<string, string>>;
  /** Names as expressions use them (`…_bucket` too) that a scrape had, of any process. */
  readonly samples: ReadonlySet<string>;
  /** Names of which a value has changed between two scrapes of a process. */
  readonly moved: ReadonlySet<string>;
  /** @returns after how many milliseconds /readyz said so */
  untilTrouble(what: RegExp, at: string): Promise<number>;
  untilReady(at: string): Promise<number>;
  /** Has /readyz turn, and turn back, both within {@link TURN_MS_MAX}. */
  turns(trouble: Trouble, at: string): Promise<void>;
}

export interface Trouble {
  inflict(): unknown;
  readonly says: RegExp;
  mend(): unknown;
}

/** What is promised of /readyz where it is asked all the time. */
export const TURN_MS_MAX = 15_000;
/** Whoever got no time for so long, on a machine that does other things, proves nothing about that. */
const STOOD_STILL_MS = 1_000;
const TRIES_MAX = 3;
/** Waits are bounded by this; what has to be sooner is measured. */
const PATIENCE = { withinMs: 60_000, everyMs: 250 };

export function createHealthProbe(): HealthProbe {
  const latest = new Map<string, Map<string, number>>();
  const moved = new Set<string>();
  const samples = new Set<string>();

  async function ask(path: string, at: string): Promise<Answer> {
    const response = await fetch(`${at}${path}`);
    return { code: response.status, body: await response.json() };
  }

  async function read(at: string) {
    const response = await fetch(`${at}/metrics`);
    expect(response.status).to.equal(200);
    const text = await response.text();
    const types = new Map(
      Array.from(text.matchAll(/^# TYPE (\S+) (\S+)$/gm), ([, name = '', type = '']) => [
        name,
        type,
      ]),
    );
    const lines = text.split('\n').filter((line) => /^[a-z]/.test(line));
    const values = new Map(
      lines.map((line) => {
        const end = line.lastIndexOf(' ');
        return [line.slice(0, end), Number(line.slice(end + 1))] as const;
      }),
    );
    compare(at, types, values);
    return { types, values };
  }

  /** A series with labels that is not there counts nothing; a gauge without labels is left out where nobody knows it. */
  function compare(
    at: string,
    types: ReadonlyMap<string, string>,
    values: ReadonlyMap<string, number>,
  ): void {
    const before = latest.get(at);
    const known = before ?? new Map<string, number>();
    latest.set(at, known);
    for (const series of new Set([...known.keys(), ...values.keys()])) {
      const name = series.replace(/\{.*$/, '');
      samples.add(name);
      const family = types.has(name) ? name : name.replace(/_(?:bucket|sum|count)$/, '');
      const absent = series.includes('{') || types.get(family) !== 'gauge' ? 0 : undefined;
      const was = known.get(series) ?? absent;
      const is = values.get(series) ?? absent;
      if (is === undefined) continue;
      if (before !== undefined && was !== undefined && was !== is) moved.add(family);
      known.set(series, is);
    }
  }

  async function untilTrouble(what: RegExp, at: string): Promise<number> {
    const beganAt = performance.now();
    await eventually(async () => {
      const { code, body } = await ask('/readyz', at);
      const { troubles } = body as { readonly troubles: readonly string[] };
      expect(code).to.equal(503);
      expect(
        troubles.some((trouble) => what.test(trouble)),
        troubles.join('\n'),
      ).to.equal(true);
    }, PATIENCE);
    return performance.now() - beganAt;
  }

  async function untilReady(at: string): Promise<number> {
    const beganAt = performance.now();
    await eventually(async () => {
      const { code, body } = await ask('/readyz', at);
      expect(code, JSON.stringify(body)).to.equal(200);
    }, PATIENCE);
    return performance.now() - beganAt;
  }

  const scrape = async (at: string) => (await read(at)).values;

  async function turns(trouble: Trouble, at: string): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      await untilReady(at);
      // Asking begins the measure of the one that is asked anew.
      await scrape(at);
      const here = monitorEventLoopDelay({ resolution: 20 });
      here.enable();
      await trouble.inflict();
      const turnedMs = await untilTrouble(trouble.says, at);
      await trouble.mend();
      const backMs = await untilReady(at);
      here.disable();
      const there = (await scrape(at)).get('nodejs_eventloop_lag_max_seconds') ?? 0;
      const stoodMs = Math.max(here.max / 1e6, there * 1_000);
      const slowestMs = Math.max(turnedMs, backMs);
      process.stdout.write(
        `      (turned after ${inSeconds(turnedMs)}, back after ${inSeconds(backMs)})\n`,
      );
      if (slowestMs <= TURN_MS_MAX) return;
      if (stoodMs < STOOD_STILL_MS || tries === TRIES_MAX) {
        expect(slowestMs, `stood still for ${inSeconds(stoodMs)}`).to.be.at.most(TURN_MS_MAX);
      }
      await sleep(STOOD_STILL_MS);
    }
  }

  return {
    ask,
    scrape,
    typesOf: async (at) => (await read(at)).types,
    samples,
    moved,
    untilTrouble,
    untilReady,
    turns,
  };
}

function inSeconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
