/** Which faults a run has, and when: all of it follows from the seed. */
import { SERVER_NAMES, type ServerName } from '../../servers/index.ts';
import { KIND_NAMES, kindOf, type KindName } from './fault-kinds.ts';
import { NETWORK_FAULTS, type NetworkFault } from './fault-proxy.ts';
import { intBetween, type Random, shuffled } from './random.ts';

/**
 * - `kill`: SIGKILL; a server is started again after a pause, a process by its supervisor. `all` is
 *   every server and every process at once.
 * - `stop`: SIGTERM to a process in the middle of whatever else goes wrong, as a deploy does.
 * - `operator`: something that an operator does ({@link KIND_NAMES}).
 * - what the proxy does ({@link NetworkFault}) to everything on its way to a server.
 */
export type Fault =
  | { readonly kind: 'kill'; readonly target: ServerName | 'process' | 'all' }
  | { readonly kind: 'stop'; readonly target: 'process' }
  | { readonly kind: 'operator'; readonly target: KindName }
  | { readonly kind: NetworkFault; readonly target: ServerName };

export interface TimedFault {
  readonly fault: Fault;
  readonly atMs: number;
  /** How long it lasts, or how long what was killed stays away. */
  readonly forMs: number;
}

export interface RoundPlan {
  readonly faults: readonly TimedFault[];
  /** Another ingest and another worker, each alone, run beside the process that is both. */
  readonly isCluster: boolean;
}

const KILLS: readonly Fault[] = [
  ...SERVER_NAMES.map((target) => ({ kind: 'kill', target }) as const),
  { kind: 'kill', target: 'process' },
  { kind: 'kill', target: 'all' },
  { kind: 'stop', target: 'process' },
];
const NETWORK: readonly Fault[] = NETWORK_FAULTS.flatMap((kind) =>
  SERVER_NAMES.map((target) => ({ kind, target })),
);
/** Those that are on. */
const OPERATORS: readonly Fault[] = KIND_NAMES.filter((name) => kindOf(name).off === undefined).map(
  (target) => ({ kind: 'operator', target }),
);
const QUICK_OPERATORS = OPERATORS.filter(
  (fault) => fault.kind !== 'operator' || kindOf(fault.target).isSlow !== true,
);
const SERVERS_AND_NETWORK: readonly Fault[] = [...KILLS, ...NETWORK];
export const FAULTS: readonly Fault[] = [...SERVERS_AND_NETWORK, ...OPERATORS];

export const SHORT_ROUNDS = 3;
const FAULT_MS = { min: 200, max: 3_000 } as const;

export function nameOf({ kind, target }: Fault): string {
  return kind === 'operator' ? target : `${kind} ${target}`;
}

/**
 * The short form: every fault once that is not slow. The half-open ones first: they take longest to get over;
 * operators last.
 */
export function planShort(random: Random, durationMs: number): RoundPlan[] {
  const halfOpen = SERVERS_AND_NETWORK.filter(({ kind }) => kind === 'halfOpen');
  const others = shuffled(
    random,
    SERVERS_AND_NETWORK.filter(({ kind }) => kind !== 'halfOpen'),
  );
  const rounds = Array.from({ length: SHORT_ROUNDS }, (_, round) => [
    ...(round === 0 ? halfOpen : []),
    ...others.filter((_fault, index) => index % SHORT_ROUNDS === round),
  ]);
  return [...rounds, QUICK_OPERATORS].map((faults, round) => ({
    faults: faults.map((fault) => timed(random, fault, durationMs)),
    isCluster: round === 1,
  }));
}

/** What operators do, each in a round of its own: those named, also where they are off. */
export function planKinds(
  random: Random,
  names: readonly string[],
  durationMs: number,
): RoundPlan[] {
  const unknown = names.filter((name) => !KIND_NAMES.some((known) => known === name));
  if (unknown.length > 0) {
    throw new Error(`no such kinds: ${unknown.join(', ')}; there are ${KIND_NAMES.join(', ')}`);
  }
  return KIND_NAMES.filter((name) => names.includes(name)).map((target) => ({
    faults: [timed(random, { kind: 'operator', target }, durationMs)],
    isCluster: false,
  }));
}

/** The long form: one to three faults a round, from a deck that has each fault once. */
export function planLong(random: Random, rounds: number, durationMs: number): RoundPlan[] {
  let deck: Fault[] = [];
  const draw = () => {
    if (deck.length === 0) deck = shuffled(random, FAULTS);
    return deck.pop() as Fault;
  };
  return Array.from({ length: rounds }, (_, round) => ({
    faults: Array.from({ length: intBetween(random, 1, 3) }, () =>
      timed(random, draw(), durationMs),
    ),
    isCluster: round % 3 === 1,
  }));
}

function timed(random: Random, fault: Fault, durationMs: number): TimedFault {
  return {
    fault,
    atMs: intBetween(random, 0, durationMs),
    forMs: intBetween(random, FAULT_MS.min, FAULT_MS.max),
  };
}
