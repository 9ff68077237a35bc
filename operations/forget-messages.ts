/** Messages that name a person, in the streams of NATS. What is taken out is written over on the server's disk. */
import type { JsMsg } from '@nats-io/jetstream';
import { createLoadLedger } from '../platform/load-ledger.ts';
import { createRollupLog, type Nats, removeMessage } from '../platform/nats.ts';
import { readRange } from '../platform/stream-range.ts';
import {
  DEADLETTERS_STREAM,
  deadLetterSubject,
  EVENTS_CONSUMER,
  EVENTS_STREAM,
  ROLLUP_PARTITIONS,
  ROLLUPS_STREAM,
  sessionWorkflowId,
} from '../shared/ids.ts';
import { namesPerson, type PersonIds, saidIdsOf, sessionsNaming } from '../shared/pseudonyms.ts';
import { keepOthers } from './split-letter.ts';

/**
 * Ids of sessions of which EVENTS, or DEADLETTERS, has an event that names the person. Over a quota a whole session becomes
 * letters, which are all that is known of it once EVENTS has let it go. @throws what the client throws
 */
export async function sessionsInMessages(
  nats: Nats,
  project: string,
  ids: PersonIds,
): Promise<string[]> {
  const found = new Set<string>();
  for (const messages of [eventsOf(nats, project), lettersOf(nats, project)]) {
    for await (const message of messages) {
      for (const id of sessionsNaming(message.string(), ids)) found.add(id);
    }
  }
  return [...found];
}

/** Visitors that letters of these sessions say. @throws what the client throws */
export async function devicesInLetters(
  nats: Nats,
  project: string,
  sessions: ReadonlySet<string>,
): Promise<string[]> {
  const found = new Set<string>();
  if (sessions.size === 0) return [];
  for await (const letter of lettersOf(nats, project)) {
    for (const { session, visitor } of saidIdsOf(letter.string())) {
      if (visitor !== undefined && session !== undefined && sessions.has(session)) {
        found.add(visitor);
      }
    }
  }
  return [...found];
}

/**
 * Sessions of which letters say one of these visitors, and no message says a user. One with a row may have a user there.
 * @throws what the client throws
 */
export async function untoldInLetters(
  nats: Nats,
  project: string,
  devices: ReadonlySet<string>,
): Promise<string[]> {
  const found = new Set<string>();
  if (devices.size === 0) return [];
  for await (const letter of lettersOf(nats, project)) {
    for (const { session, visitor } of saidIdsOf(letter.string())) {
      if (session !== undefined && visitor !== undefined && devices.has(visitor))
        found.add(session);
    }
  }
  // By themselves: to remember who has told what of all sessions may be too much.
  for (const messages of [eventsOf(nats, project), lettersOf(nats, project)]) {
    if (found.size === 0) break;
    for await (const message of messages) {
      for (const { session, user } of saidIdsOf(message.string())) {
        if (session !== undefined && user !== undefined) found.delete(session);
      }
    }
  }
  return [...found];
}

export interface RemovedMessages {
  readonly events: number;
  readonly deadLetters: number;
  readonly rollups: number;
  /** Not taken out: others' events in them are not delivered yet, or their difference is not loaded. */
  readonly waiting: number;
}

/**
 * Takes out what names the person. An array goes as a whole, once all of it is delivered: its other events are where
 * they belong by then; of one that is a dead letter they are kept. @throws what the client throws; safe to repeat
 */
export async function removeMessages(
  nats: Nats,
  project: string,
  ids: PersonIds,
  isDryRun: boolean,
): Promise<RemovedMessages> {
  const delivered = (await nats.jsm.consumers.info(EVENTS_STREAM, EVENTS_CONSUMER)).ack_floor
    .stream_seq;
  let waiting = 0;
  const removeFrom = async (stream: string, seqs: readonly number[], upTo: number) => {
    const ready = seqs.filter((seq) => seq <= upTo);
    waiting += seqs.length - ready.length;
    if (!isDryRun) for (const seq of ready) await removeMessage(nats, stream, seq, true);
    return ready.length;
  };
  const naming = async (
    messages: AsyncIterable<JsMsg>,
    onFound?: (message: JsMsg) => Promise<void>,
  ) => {
    const seqs: number[] = [];
    for await (const message of messages) {
      if (!namesPerson(message.string(), ids)) continue;
      await onFound?.(message);
      seqs.push(message.seq);
    }
    return seqs;
  };
  const events = await removeFrom(EVENTS_STREAM, await naming(eventsOf(nats, project)), delivered);
  const deadLetters = await removeFrom(
    DEADLETTERS_STREAM,
    await naming(lettersOf(nats, project), async (letter) => {
      if (!isDryRun) await keepOthers(nats, letter, ids);
    }),
    Infinity,
  );
  let rollups = 0;
  for (let partition = 0; partition < ROLLUP_PARTITIONS; partition += 1) {
    const kept = await createLoadLedger(nats).read(partition);
    const loadedTo = kept === undefined ? 0 : kept.isLoaded ? kept.range.to : kept.range.from - 1;
    const seqs = await differencesOf(nats, partition, project, ids.session);
    rollups += await removeFrom(ROLLUPS_STREAM, seqs, loadedTo);
  }
  return { events, deadLetters, rollups, waiting };
}

async function differencesOf(
  nats: Nats,
  partition: number,
  project: string,
  sessions: ReadonlySet<string>,
): Promise<number[]> {
  const workflows = new Set([...sessions].map((id) => sessionWorkflowId(project, id)));
  const log = createRollupLog(nats);
  const { lastSeq } = await log.end(partition);
  const seqs: number[] = [];
  for await (const { seq, workflowId } of log.heads(partition, lastSeq)) {
    if (workflows.has(workflowId)) seqs.push(seq);
  }
  return seqs;
}

function eventsOf(nats: Nats, project: string) {
  return messagesOf(nats, EVENTS_STREAM, `events.${project}.>`);
}

function lettersOf(nats: Nats, project: string) {
  return messagesOf(nats, DEADLETTERS_STREAM, deadLetterSubject(project));
}

async function* messagesOf(nats: Nats, stream: string, subject: string) {
  const { state } = await nats.jsm.streams.info(stream);
  yield* readRange(nats.js, { stream, subject, from: state.first_seq, to: state.last_seq });
}
