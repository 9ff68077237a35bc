/** Names that other systems see: workflow ids, subjects, streams, tokens. */

export const TASK_QUEUE = 'sojourn';
export const SESSION_WORKFLOW = 'session';
export const LOADER_WORKFLOW = 'loader';
export const IMPORT_WORKFLOW = 'import';
export const RESTATE_WORKFLOW = 'restate';

export const EVENTS_STREAM = 'EVENTS';
export const EVENTS_CONSUMER = 'ingest';
export const ROLLUPS_STREAM = 'ROLLUPS';
export const METRICS_STREAM = 'METRICS';
/** Told, by workers to ingests, when somebody looks at a session: its workflow id. */
export const LOOKED_AT_SUBJECT = 'sojourn.looked-at';
/** Told by workers to ingests that run elsewhere, while these ask: what they have to do. */
export const WORKERS_SUBJECT = 'sojourn.workers';
export const WORKERS_ASKED_SUBJECT = 'sojourn.workers.asked';
export const DEADLETTERS_STREAM = 'DEADLETTERS';
/** How far events have been delivered, where it survives the consumer. */
export const INGEST_STREAM = 'INGEST';
export const INGEST_FLOOR_SUBJECT = 'ingest.floor';
/** How far a partition of the rollup log is loaded: beside the floor, in the stream of what must survive. */
export const LOADED_SUBJECT = 'ingest.loaded';

/** What a project has had of its quota: beside these as well. */
export const QUOTA_SUBJECT = 'ingest.quota';

/** Settings of projects: a key-value bucket with a key a project, and the stream that a bucket is. */
export const PROJECTS_BUCKET = 'PROJECTS';
export const PROJECTS_STREAM = `KV_${PROJECTS_BUCKET}`;
/** Who is forgotten, as keyed hashes: a bucket with a key a person or session. */
export const FORGOTTEN_BUCKET = 'FORGOTTEN';
export const FORGOTTEN_STREAM = `KV_${FORGOTTEN_BUCKET}`;

/**
 * Partitions of the rollup log, each with one loader. One loads some 20,000 differences a second,
 * far more than one Temporal server feeds it. Not to be raised alone: docs/decisions/059 says what counts twice then.
 */
export const ROLLUP_PARTITIONS = 1;

/** Events, differences, announcements and dead letters of a project, by subject. */
export const PROJECT_PATTERN = /^[a-z0-9_-]{1,64}$/;

/** The workflow id of a session; `project` holds no slash, so the id is unambiguous. */
export function sessionWorkflowId(project: string, sessionId: string): string {
  return `session/${project}/${sessionId}`;
}

/** The inverse of {@link sessionWorkflowId}; undefined for any other workflow id. */
export function parseSessionWorkflowId(
  id: string,
): { readonly project: string; readonly sessionId: string } | undefined {
  const match = /^session\/([^/]+)\/(.+)$/su.exec(id);
  return match?.[1] !== undefined && match[2] !== undefined
    ? { project: match[1], sessionId: match[2] }
    : undefined;
}

export function loaderWorkflowId(partition: number): string {
  return `loader/${partition}`;
}

export function importWorkflowId(project: string, id: string): string {
  return `import/${project}/${id}`;
}

/**
 * The same words name the same restatement, so that it is not begun twice.
 * @param from epoch milliseconds
 * @param catalogue the version that its sessions are to go by
 */
export function restateWorkflowId(
  project: string | undefined,
  { from, catalogue }: { readonly from: number; readonly catalogue: number },
): string {
  return `restate/${project ?? '*'}/${new Date(from).toISOString()}/${catalogue}`;
}

/** Where what an import needs of its files is done: by its command. */
export function importQueue(id: string): string {
  return `sojourn-import-${id}`;
}

/**
 * Subject of a difference, which is its identity: the log refuses a second message on a subject.
 * @param identity first run of the session
 */
export function rollupSubject(partition: number, identity: string, writeNo: number): string {
  return `rollups.${partition}.${identity}.${writeNo}`;
}

/**
 * The partition a session writes to. It is worked out when the session begins, and kept: for its whole life it is
 * the same, also where there are more partitions later.
 */
export function partitionOf(identity: string, partitions: number): number {
  let hash = 0;
  for (const char of identity) hash = (hash * 31 + (char.codePointAt(0) ?? 0)) >>> 0;
  return hash % partitions;
}

export function metricsUpdatedSubject(project: string): string {
  return `metrics.updated.${project}`;
}

export function deadLetterSubject(project: string): string {
  return `deadletters.${project}`;
}

/** Project and rest of an event's subject; undefined where it is not `events.<project>.<type>`. */
export function parseEventSubject(
  subject: string,
): { readonly project: string; readonly valid: boolean } | undefined {
  const [prefix, project, ...rest] = subject.split('.');
  if (prefix !== 'events' || project === undefined) return undefined;
  return { project, valid: rest.length > 0 && PROJECT_PATTERN.test(project) };
}
