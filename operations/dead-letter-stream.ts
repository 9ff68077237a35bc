/**
 * Messages that broke a rule, with the reason; publishing them again, and deleting them. A replayed message keeps the
 * id its event would have had, so that replaying twice counts once.
 */
import { createHash } from 'node:crypto';
import { isApiError, type Nats, removeMessage } from '../platform/nats.ts';
import { readRange } from '../platform/stream-range.ts';
import { SojournError, toError } from '../shared/errors.ts';
import { DEADLETTERS_STREAM, deadLetterSubject } from '../shared/ids.ts';
import { createPublisher, type Publisher } from './publisher.ts';

export interface DeadLetterEntry {
  readonly seq: number;
  /** RFC 3339, UTC: when it was kept. */
  readonly time: string;
  readonly project: string;
  readonly reason: string;
  /** Where the message was published, and its sequence there. */
  readonly subject: string;
  readonly originalSequence: number;
  /** The id its event would have had. */
  readonly eventId: string;
  readonly data: Uint8Array;
}

interface Selection {
  readonly project?: string | undefined;
  /** What the reason says somewhere, as it is written there. */
  readonly reason?: string | undefined;
}

/** All where nothing is said. */
export interface DeleteSelection extends Selection {
  readonly seq?: readonly number[] | undefined;
  /** Kept before this time: epoch milliseconds. */
  readonly before?: number | undefined;
}

export interface ReplaySelection extends Selection {
  readonly seq?: readonly number[] | undefined;
  /** Published in place of the one dead letter. */
  readonly fixed?: Uint8Array | undefined;
}

/** Sequences looked through at a time, going back from the newest; doubled each time. */
const WINDOW = 1_000;

/**
 * The newest dead letters, in the order they came.
 * @param onFound told how many there are so far
 */
export async function findNewest(
  nats: Nats,
  { project, reason, limit }: Selection & { readonly limit: number },
  onFound: (count: number) => void,
): Promise<DeadLetterEntry[]> {
  const { state } = await streamInfo(nats);
  let found: DeadLetterEntry[] = [];
  let to = state.last_seq;
  for (let width = WINDOW; found.length < limit && to >= state.first_seq; width *= 2) {
    const from = Math.max(state.first_seq, to - width + 1);
    const window: DeadLetterEntry[] = [];
    for await (const letter of read(nats, { project, reason, from, to })) {
      window.push(letter);
      if (window.length > limit) window.shift();
      onFound(found.length + window.length);
    }
    found = [...window, ...found].slice(-limit);
    to = from - 1;
  }
  return found;
}

async function streamInfo({ jsm }: Pick<Nats, 'jsm'>) {
  return jsm.streams.info(DEADLETTERS_STREAM).catch((error: unknown) => {
    if (!isApiError(error, 10059)) throw error;
    throw new SojournError(
      'SJ_NOT_FOUND',
      `NATS has no stream ${DEADLETTERS_STREAM}; \`npx sojourn migrate\` creates it`,
    );
  });
}

interface Range {
  readonly from: number;
  readonly to: number;
  readonly headersOnly?: true;
}

/** Dead letters of a range of sequences, in order. */
async function* read(
  { js }: Pick<Nats, 'js'>,
  { project, reason = '', ...range }: Selection & Range,
): AsyncGenerator<DeadLetterEntry> {
  const subject = project === undefined ? undefined : deadLetterSubject(project);
  for await (const message of readRange(js, { stream: DEADLETTERS_STREAM, subject, ...range })) {
    const header = (name: string) => message.headers?.get(name) ?? '';
    if (!header('Sojourn-Reason').includes(reason)) continue;
    yield {
      seq: message.seq,
      time: new Date(message.timestamp).toISOString(),
      project: message.subject.split('.').slice(1).join('.'),
      reason: header('Sojourn-Reason'),
      subject: header('Sojourn-Subject'),
      originalSequence: Number(header('Sojourn-Sequence')),
      eventId: header('Sojourn-Event-Id') || header('Sojourn-Sequence'),
      data: message.data,
    };
  }
}

export interface ReplayFigures {
  replayed: number;
  failed: number;
  /** Named, but not in the stream (any more), or of another project. */
  missing: number;
}

export interface ReplayWatch {
  /** @param total how many there are to replay */
  readonly onProgress: (figures: Readonly<ReplayFigures>, total: number) => void;
  readonly onFailure: (seq: number, error: Error) => void;
}

/** Publishes dead letters again, and takes out those that are acknowledged. */
export async function replayAll(
  nats: Nats,
  options: ReplaySelection,
  { onProgress, onFailure }: ReplayWatch,
): Promise<ReplayFigures> {
  const { state, created } = await streamInfo(nats);
  const publisher = createPublisher(nats);
  const figures: ReplayFigures = { replayed: 0, failed: 0, missing: 0 };
  const total = options.seq?.length ?? state.messages;
  const underWay = new Set<Promise<void>>();
  const one = async (letter: DeadLetterEntry) => {
    try {
      await replayOne(nats, publisher, letter, options.fixed ?? letter.data, created);
      figures.replayed += 1;
    } catch (error) {
      figures.failed += 1;
      onFailure(letter.seq, toError(error));
    }
    onProgress(figures, total);
  };
  // What is bad once more becomes a new dead letter, behind this end.
  for await (const letter of selected(nats, options, state, figures)) {
    await publisher.room(letter.data.length);
    // Never rejects: a failure is counted.
    const task = one(letter).finally(() => underWay.delete(task));
    underWay.add(task);
    if (figures.failed > FAILURES_MAX) break;
  }
  while (underWay.size > 0) await Promise.all(underWay);
  return figures;
}

/** More failures than this are not about single messages. */
const FAILURES_MAX = 100;

async function* selected(
  nats: Pick<Nats, 'js'>,
  { seq, ...selection }: DeleteSelection & Pick<Range, 'headersOnly'>,
  { first_seq: from, last_seq: to }: { readonly first_seq: number; readonly last_seq: number },
  figures: { missing: number },
): AsyncGenerator<DeadLetterEntry> {
  if (seq === undefined) {
    yield* read(nats, { ...selection, from, to });
    return;
  }
  for (const one of new Set(seq)) {
    let found = false;
    const range = one <= to ? { from: one, to: one } : { from: 1, to: 0 };
    for await (const letter of read(nats, { ...selection, ...range })) {
      found = true;
      yield letter;
    }
    if (!found) figures.missing += 1;
  }
}

async function replayOne(
  nats: Nats,
  publisher: Publisher,
  letter: DeadLetterEntry,
  data: Uint8Array,
  streamCreated: string,
): Promise<void> {
  if (letter.subject === '') throw new Error('it does not say where it came from');
  await publisher.publish({
    subject: letter.subject,
    data,
    // New to JetStream, which would otherwise drop it as a copy of the first; the same for the same
    // content, so that a replay that was cut short can be repeated.
    messageId: `replay-${Date.parse(streamCreated)}-${letter.seq}-${hash(data)}`,
    headers: { 'Sojourn-Event-Id': letter.eventId },
  });
  await removeMessage(nats, DEADLETTERS_STREAM, letter.seq);
}

function hash(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('base64url').slice(0, 16);
}

export interface DeleteFigures {
  deleted: number;
  /** Named, but not in the stream (any more), or not of the selection. */
  missing: number;
}

export interface DeleteOptions {
  /** Only counts. */
  readonly dryRun?: boolean | undefined;
  readonly onProgress?: (figures: Readonly<DeleteFigures>) => void;
}

const DELETED_AT_ONCE = 32;

/** Deletes dead letters, for good; what comes meanwhile stays. Safe to run again. @throws what the client throws */
export async function deleteLetters(
  nats: Pick<Nats, 'js' | 'jsm'>,
  { before, ...selection }: DeleteSelection,
  { dryRun = false, onProgress = () => undefined }: DeleteOptions = {},
): Promise<DeleteFigures> {
  const { state } = await streamInfo(nats);
  const figures: DeleteFigures = { deleted: 0, missing: 0 };
  const last = before === undefined ? state.last_seq : await lastBefore(nats, before, state);
  const { project, reason, seq } = selection;
  if (reason === undefined && seq === undefined && !dryRun) {
    const filter = project === undefined ? {} : { filter: deadLetterSubject(project) };
    const { purged } = await nats.jsm.streams.purge(DEADLETTERS_STREAM, {
      ...filter,
      seq: last + 1,
    });
    return { ...figures, deleted: purged };
  }
  const underWay = new Set<Promise<void>>();
  const remove = async (letter: number) => {
    if (!dryRun) await removeMessage(nats, DEADLETTERS_STREAM, letter);
    figures.deleted += 1;
    onProgress(figures);
  };
  const range = { first_seq: state.first_seq, last_seq: last };
  for await (const letter of selected(nats, { ...selection, headersOnly: true }, range, figures)) {
    const task = remove(letter.seq).finally(() => underWay.delete(task));
    underWay.add(task);
    if (underWay.size >= DELETED_AT_ONCE) await Promise.race(underWay);
  }
  await Promise.all(underWay);
  return figures;
}

/** The last letter that was kept before a time. */
async function lastBefore(
  { js }: Pick<Nats, 'js'>,
  before: number,
  { last_seq: to }: { readonly last_seq: number },
): Promise<number> {
  const since = new Date(before);
  const later = readRange(js, { stream: DEADLETTERS_STREAM, since, to, headersOnly: true });
  for await (const { seq } of later) return seq - 1;
  return to;
}
