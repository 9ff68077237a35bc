/**
 * Who is forgotten. The list holds no id: of each user, visitor and session a keyed hash, and up to which event time
 * nothing of them counts. What comes with a later time is of somebody new.
 */
import type { VisitorEvent } from './event.ts';

export const PERSON_KINDS = ['user', 'visitor', 'session'] as const;
/** By what a person is known. */
export type PersonKind = (typeof PERSON_KINDS)[number];

export interface ForgottenPerson {
  readonly project: string;
  readonly kind: PersonKind;
  /** See `hashOf` of `platform/forgotten-bucket.ts`. */
  readonly hash: string;
  /** Epoch milliseconds: events up to then are nobody's. */
  readonly until: number;
}

/** The list as data, with what its hashes were made with. */
export interface ForgottenList {
  readonly key: string;
  readonly people: readonly ForgottenPerson[];
}

export type HashOf = (kind: PersonKind, project: string, id: string) => string;

export interface Forgotten {
  /** Adds one; of the same person the greater time stays. */
  add(person: ForgottenPerson): void;
  /** Of a project of which nobody is forgotten it asks for no hash. */
  isForgotten(
    project: string,
    event: {
      readonly sessionId: string;
      readonly event: Pick<VisitorEvent, 'at' | 'userId' | 'visitorId'>;
    },
  ): boolean;
  /** @param lastAt time of its last event, epoch milliseconds */
  isSessionForgotten(project: string, sessionId: string, lastAt: number): boolean;
}

export function createForgotten(people: Iterable<ForgottenPerson>, hashOf: HashOf): Forgotten {
  const byKind = new Map<string, Map<string, number>>();

  function add({ project, kind, hash, until }: ForgottenPerson): void {
    const name = `${project}/${kind}`;
    const known = byKind.get(name) ?? new Map<string, number>();
    byKind.set(name, known.set(hash, Math.max(until, known.get(hash) ?? until)));
  }

  function isUp(project: string, kind: PersonKind, id: string | undefined, at: number): boolean {
    const known = byKind.get(`${project}/${kind}`);
    if (known === undefined || id === undefined) return false;
    return at <= (known.get(hashOf(kind, project, id)) ?? -Infinity);
  }

  for (const person of people) add(person);
  return {
    add,
    isForgotten(project, { sessionId, event: { at, userId, visitorId } }) {
      if (byKind.size === 0) return false;
      return (
        isUp(project, 'session', sessionId, at) ||
        isUp(project, 'user', userId, at) ||
        isUp(project, 'visitor', visitorId, at)
      );
    },
    isSessionForgotten: (project, sessionId, lastAt) => isUp(project, 'session', sessionId, lastAt),
  };
}

/** The person in the bucket: what its key says. @returns undefined where it is no person */
export function personOfKey(
  key: string,
): Pick<ForgottenPerson, 'project' | 'kind' | 'hash'> | undefined {
  const [project = '', kind = '', hash = '', ...rest] = key.split('.');
  const known = PERSON_KINDS.find((one) => one === kind);
  if (known === undefined || project === '' || hash === '' || rest.length > 0) return undefined;
  return { project, kind: known, hash };
}

/** The inverse of {@link personOfKey}. */
export function keyOfPerson({
  project,
  kind,
  hash,
}: Pick<ForgottenPerson, 'project' | 'kind' | 'hash'>): string {
  return `${project}.${kind}.${hash}`;
}
