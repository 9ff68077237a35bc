/**
 * Messages that broke a rule, with the reason, and publishing them again. A replayed message keeps the
 * id its event would have had, so that replaying twice counts once.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isApiError, type Nats, removeMessage } from '../platform/nats.ts';
import { readRange } from '../platform/stream-range.ts';
import { SojournError, toError } from '../shared/errors.ts';
import { DEADLETTERS_STREAM, deadLetterSubject } from '../shared/ids.ts';
import { commandConfig } from '../cli/command-config.ts';
import { withNats } from '../cli/connect.ts';
import {
  formatBytes,
  formatCount,
  print,
  printJson,
  printJsonArray,
  printTable,
  remark,
} from '../cli/output.ts';
import { createProgress } from '../cli/progress.ts';
import { createPublisher, type Publisher } from './publisher.ts';
import { findSource } from './read-lines.ts';

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
}

export interface ListOptions extends Selection {
  readonly limit: number;
  readonly json?: true | undefined;
  readonly dataDir: string;
}

/** Prints the newest dead letters. */
export async function listDeadLetters(options: ListOptions): Promise<void> {
  const config = commandConfig(options, ['NATS_URL']);
  const letters = await withNats(config, (nats) => findNewest(nats, options));
  if (options.json === true) await printJsonArray(letters.map(jsonOf));
  else printLetters(letters);
}

export interface ReplayOptions extends Selection {
  readonly seq?: readonly number[] | undefined;
  /** Its content is published in place of the one dead letter. */
  readonly file?: string | undefined;
  readonly json?: true | undefined;
  readonly dataDir: string;
}

/** Publishes dead letters again and prints counts. @throws SojournError where one was not replayed */
export async function replayDeadLetters(options: ReplayOptions): Promise<void> {
  const config = commandConfig(options, ['NATS_URL']);
  const fixed = options.file === undefined ? undefined : readFixed(options.file);
  const figures = await withNats(config, (nats) => replayAll(nats, options, fixed));
  const { replayed, failed, missing } = figures;
  if (options.json === true) printJson(figures);
  else {
    const counts = [replayed, failed, missing].map(formatCount);
    print(`${counts[0]} replayed, ${counts[1]} failed, ${counts[2]} not found`);
  }
  if (failed + missing > 0) {
    throw new SojournError('SJ_NOT_FOUND', 'not every dead letter was replayed');
  }
}

/** Sequences looked through at a time, going back from the newest; doubled each time. */
const WINDOW = 1_000;

async function findNewest(
  nats: Nats,
  { project, limit }: Selection & { readonly limit: number },
): Promise<DeadLetterEntry[]> {
  const { state } = await streamInfo(nats);
  const progress = createProgress('reading dead letters');
  let found: DeadLetterEntry[] = [];
  let to = state.last_seq;
  try {
    for (let width = WINDOW; found.length < limit && to >= state.first_seq; width *= 2) {
      const from = Math.max(state.first_seq, to - width + 1);
      const window: DeadLetterEntry[] = [];
      for await (const letter of read(nats, { project, from, to })) {
        window.push(letter);
        if (window.length > limit) window.shift();
        progress.update(0, `${found.length + window.length}`);
      }
      found = [...window, ...found].slice(-limit);
      to = from - 1;
    }
  } finally {
    progress.stop();
  }
  return found;
}

async function streamInfo({ jsm }: Nats) {
  return jsm.streams.info(DEADLETTERS_STREAM).catch((error: unknown) => {
    if (!isApiError(error, 10059)) throw error;
    throw new SojournError(
      'SJ_NOT_FOUND',
      `NATS has no stream ${DEADLETTERS_STREAM}; \`npx sojourn migrate\` creates it`,
    );
  });
}

/** Dead letters of a range of sequences, in order. */
async function* read(
  { js }: Nats,
  { project, from, to }: Selection & { readonly from: number; readonly to: number },
): AsyncGenerator<DeadLetterEntry> {
  const subject = project === undefined ? undefined : deadLetterSubject(project);
  for await (const message of readRange(js, { stream: DEADLETTERS_STREAM, subject, from, to })) {
    const header = (name: string) => message.headers?.get(name) ?? '';
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

function jsonOf(letter: DeadLetterEntry): object {
  const { seq, time, project, reason, subject, originalSequence, eventId, data } = letter;
  const text = textOf(data);
  return {
    seq,
    time,
    project,
    reason,
    subject,
    originalSequence,
    eventId,
    bytes: data.length,
    ...(text === undefined
      ? { payloadBase64: Buffer.from(data).toString('base64') }
      : { payload: text }),
  };
}

/** @returns undefined for bytes that are no UTF-8 */
function textOf(data: Uint8Array): string | undefined {
  try {
    // The text is the bytes, a byte order mark too.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    return undefined;
  }
}

const BEGINNING_CHARS = 60;

function printLetters(letters: readonly DeadLetterEntry[]): void {
  if (letters.length === 0) {
    remark('no dead letters');
    return;
  }
  printTable(
    ['SEQ', 'TIME', 'PROJECT', 'REASON', 'SUBJECT', 'ORIGINAL', 'SIZE', 'BEGINS'],
    letters.map((letter) => [
      String(letter.seq),
      letter.time.slice(0, 19).replace('T', ' '),
      letter.project,
      letter.reason,
      letter.subject,
      String(letter.originalSequence),
      formatBytes(letter.data.length),
      new TextDecoder()
        .decode(letter.data.subarray(0, BEGINNING_CHARS * 4))
        .slice(0, BEGINNING_CHARS),
    ]),
  );
}

function readFixed(file: string): Uint8Array {
  if (file !== '-') findSource(file);
  return readFileSync(file === '-' ? 0 : file);
}

export interface ReplayFigures {
  replayed: number;
  failed: number;
  /** Named, but not in the stream (any more), or of another project. */
  missing: number;
}

async function replayAll(
  nats: Nats,
  options: ReplayOptions,
  fixed: Uint8Array | undefined,
): Promise<ReplayFigures> {
  const { state, created } = await streamInfo(nats);
  const publisher = createPublisher(nats);
  const figures: ReplayFigures = { replayed: 0, failed: 0, missing: 0 };
  const progress = createProgress('replaying', options.seq?.length ?? state.messages);
  const report = () => {
    progress.update(figures.replayed + figures.failed, `${formatCount(figures.replayed)} replayed`);
  };
  const underWay = new Set<Promise<void>>();
  const one = async (letter: DeadLetterEntry) => {
    try {
      await replayOne(nats, publisher, letter, fixed ?? letter.data, created);
      figures.replayed += 1;
    } catch (error) {
      figures.failed += 1;
      remark(`error: dead letter ${letter.seq}: ${toError(error).message}`);
    }
    report();
  };
  try {
    // What is bad once more becomes a new dead letter, behind this end.
    for await (const letter of selected(nats, options, state, figures)) {
      await publisher.room(letter.data.length);
      // Never rejects: a failure is counted.
      const task = one(letter).finally(() => underWay.delete(task));
      underWay.add(task);
      if (figures.failed > FAILURES_MAX) break;
    }
    while (underWay.size > 0) await Promise.all(underWay);
  } finally {
    progress.stop();
  }
  return figures;
}

/** More failures than this are not about single messages. */
const FAILURES_MAX = 100;

async function* selected(
  nats: Nats,
  { project, seq }: ReplayOptions,
  state: { readonly first_seq: number; readonly last_seq: number },
  figures: ReplayFigures,
): AsyncGenerator<DeadLetterEntry> {
  if (seq === undefined) {
    yield* read(nats, { project, from: state.first_seq, to: state.last_seq });
    return;
  }
  for (const one of new Set(seq)) {
    let found = false;
    for await (const letter of read(nats, { project, from: one, to: one })) {
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
