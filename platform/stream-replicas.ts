/**
 * On how many NATS servers a stream is kept. One copy is lost with its server; with three the other two go on. What an
 * operator has raised stays raised.
 */
import type { StreamInfo } from '@nats-io/jetstream';
import { SojournError } from '../shared/errors.ts';

/** The least number of which one may be lost while the others still agree by majority. */
const CLUSTER_REPLICAS = 3;

export interface NatsPlace {
  /** What `STREAM_REPLICAS` says; undefined where it is not set. */
  readonly configured: number | undefined;
  /** The server says that it is one of several. */
  readonly isClustered: boolean;
}

/** `STREAM_REPLICAS`, else 3 in a cluster and 1 elsewhere. */
export function replicasWanted({ configured, isClustered }: NatsPlace): number {
  return configured ?? (isClustered ? CLUSTER_REPLICAS : 1);
}

/** Of what a stream is to have: never less than it has. */
export function replicasFor(found: number | undefined, wanted: number): number {
  return Math.max(found ?? 1, wanted);
}

/** One sentence about the streams of a cluster that have fewer copies than they should; undefined where none has. */
export function replicaWarning(
  streams: readonly Pick<StreamInfo, 'config'>[],
  place: NatsPlace,
): string | undefined {
  const wanted = replicasWanted(place);
  const fewer = streams.filter(({ config }) => config.num_replicas < wanted);
  if (!place.isClustered || fewer.length === 0) return undefined;
  const named = fewer.map(({ config }) => `${config.name} ${config.num_replicas}`).join(', ');
  return `NATS is a cluster, but streams have fewer than ${wanted} copies (${named}): with a server they stand still or are lost; \`npx sojourn migrate\` raises them, STREAM_REPLICAS sets how many`;
}

/** "no suitable peers for placement", "replicas > 1 not supported in non-clustered mode". */
export const NO_PEERS = 10005;
export const NOT_CLUSTERED = 10074;

/** For `STREAM_REPLICAS` that the servers cannot keep. */
export function tooManyReplicas(wanted: number, cause: unknown): SojournError {
  return new SojournError(
    'SJ_MIGRATION',
    `NATS cannot keep ${wanted} copies of a stream, as STREAM_REPLICAS says: it has fewer servers with JetStream; add servers, or set STREAM_REPLICAS to fewer`,
    { cause },
  );
}
