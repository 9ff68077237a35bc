/** Shows dead letters, and what came of replaying them. */
import { readFileSync } from 'node:fs';
import { withNats } from '../operations/connect.ts';
import {
  type DeadLetterEntry,
  deleteLetters,
  type DeleteSelection,
  findNewest,
  replayAll,
} from '../operations/dead-letter-stream.ts';
import { findSource } from '../operations/read-lines.ts';
import { SojournError } from '../shared/errors.ts';
import { commandConfig } from './command-config.ts';
import {
  asJson,
  formatBytes,
  formatCount,
  print,
  printJson,
  printJsonArray,
  printTable,
  remark,
} from './output.ts';
import { createProgress, type Progress } from './progress.ts';

interface CommonOptions {
  readonly project?: string | undefined;
  readonly reason?: string | undefined;
  readonly json?: true | undefined;
  readonly dataDir: string;
}

export interface ListOptions extends CommonOptions {
  readonly limit: number;
}

/** Prints the newest dead letters. */
export async function listDeadLetters(options: ListOptions): Promise<void> {
  const config = commandConfig(options, ['NATS_URL']);
  const progress = createProgress('reading dead letters');
  const letters = await withNats(config, (nats) =>
    findNewest(nats, options, (count) => {
      progress.update(0, `${count}`);
    }),
  ).finally(() => {
    progress.stop();
  });
  if (asJson(options)) await printJsonArray(letters.map(jsonOf));
  else printLetters(letters);
}

export interface ReplayOptions extends CommonOptions {
  readonly seq?: readonly number[] | undefined;
  /** Its content is published in place of the one dead letter. */
  readonly file?: string | undefined;
}

/** Publishes dead letters again and prints counts. @throws SojournError where one was not replayed */
export async function replayDeadLetters(options: ReplayOptions): Promise<void> {
  const config = commandConfig(options, ['NATS_URL']);
  const { project, reason, seq, file } = options;
  const fixed = file === undefined ? undefined : readFixed(file);
  let progress: Progress | undefined;
  const figures = await withNats(config, (nats) =>
    replayAll(
      nats,
      { project, reason, seq, fixed },
      {
        onProgress({ replayed, failed }, total) {
          progress ??= createProgress('replaying', total);
          progress.update(replayed + failed, `${formatCount(replayed)} replayed`);
        },
        onFailure(number, error) {
          remark(`error: dead letter ${number}: ${error.message}`);
        },
      },
    ),
  ).finally(() => progress?.stop());
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

export interface DeleteOptions extends CommonOptions, DeleteSelection {
  readonly dryRun?: true | undefined;
}

/** Deletes dead letters and prints how many. @throws SojournError where one that was named is not there */
export async function deleteDeadLetters(options: DeleteOptions): Promise<void> {
  const config = commandConfig(options, ['NATS_URL']);
  const { project, reason, seq, before, dryRun = false } = options;
  const progress = createProgress(dryRun ? 'counting dead letters' : 'deleting dead letters');
  const figures = await withNats(config, (nats) =>
    deleteLetters(
      nats,
      { project, reason, seq, before },
      {
        dryRun,
        onProgress({ deleted }) {
          progress.update(0, formatCount(deleted));
        },
      },
    ),
  ).finally(() => {
    progress.stop();
  });
  const { deleted, missing } = figures;
  if (options.json === true) printJson({ ...figures, dryRun });
  else {
    const counted = `${formatCount(deleted)} ${dryRun ? 'would be deleted' : 'deleted'}`;
    print(seq === undefined ? counted : `${counted}, ${formatCount(missing)} not found`);
  }
  if (missing > 0) throw new SojournError('SJ_NOT_FOUND', 'not every dead letter was there');
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
