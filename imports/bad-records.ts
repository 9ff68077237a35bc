/**
 * The report of what broke a rule: a line of JSON each, with file, line and reason. The file is made with the first one.
 * Beside it, where they are to be kept, the records as they are.
 */
import { closeSync, createReadStream, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { writeAll } from './sized-records.ts';
import type { BadRecord } from './take-records.ts';

export interface BadReport {
  readonly add: (bad: BadRecord) => void;
  readonly count: number;
  close(): void;
}

/** What is shown of a record: enough to find it by. */
const SHOWN_BYTES = 1_024;
const WRITE_BYTES = 64 * 1024;

/**
 * @param path is written anew, for its owner only
 * @param wholePath where whole records go; absent where nobody wants them
 */
export function createBadReport(path: string, wholePath?: string): BadReport {
  const report = createLines(path);
  const whole = wholePath === undefined ? undefined : createLines(wholePath);
  let count = 0;
  return {
    add(bad) {
      count += 1;
      const { file, line, reason, data } = bad;
      const record = Buffer.from(data.subarray(0, SHOWN_BYTES)).toString();
      report.add({ file, line, reason, record });
      whole?.add({ ...bad, data: Buffer.from(data).toString('base64') });
    },
    get count() {
      return count;
    },
    close() {
      report.close();
      whole?.close();
    },
  };
}

/** Whole records of a report. @param wholePath of a report that has some */
export async function* readWhole(wholePath: string): AsyncGenerator<BadRecord> {
  for await (const line of createInterface({ input: createReadStream(wholePath) })) {
    const { data, ...bad } = JSON.parse(line) as Omit<BadRecord, 'data'> & {
      readonly data: string;
    };
    yield { ...bad, data: Buffer.from(data, 'base64') };
  }
}

function createLines(path: string) {
  let descriptor: number | undefined;
  let waiting = '';
  const flush = () => {
    if (waiting === '') return;
    descriptor ??= openSync(path, 'w', 0o600);
    writeAll(descriptor, Buffer.from(waiting));
    waiting = '';
  };
  return {
    add(line: object) {
      waiting += `${JSON.stringify(line)}\n`;
      if (waiting.length >= WRITE_BYTES) flush();
    },
    close() {
      flush();
      if (descriptor !== undefined) closeSync(descriptor);
      descriptor = undefined;
    },
  };
}
