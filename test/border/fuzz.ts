/**
 * `npm run fuzz -- --messages N --seed S`: as many generated messages through the border as you like, each compared
 * with the naive reading. With `--through` they go through a running system on real servers instead. Exit code 1
 * where anything was lost, wrong or thrown.
 */
import { parseArgs } from 'node:util';
import { createProgress } from '../../cli/progress.ts';
import { fuzz, type FuzzFigures } from './fuzz-run.ts';
import { throughSystem } from './through.ts';

const USAGE = 'npm run fuzz -- [--messages N] [--seed S] [--through]';
const MIB = 1024 * 1024;

const options = readOptions();
if (options.through) await runThrough(options);
else runAlone(options);

interface Options {
  readonly messages: number;
  readonly seed: number;
  readonly through: boolean;
}

function readOptions(): Options {
  try {
    const { values } = parseArgs({
      options: {
        messages: { type: 'string' },
        seed: { type: 'string', default: '1' },
        through: { type: 'boolean', default: false },
      },
    });
    const { through, seed, messages = through ? '2000' : '100000' } = values;
    return {
      through,
      messages: wholeNumber('--messages', messages),
      seed: wholeNumber('--seed', seed),
    };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`);
    process.exit(2);
  }
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${name} takes a number, got "${text}"`);
  return Number(text);
}

function runAlone({ messages, seed }: Options): void {
  const bar = createProgress('fuzzing', messages);
  const begin = Date.now();
  let rssMax = 0;
  const figures = fuzz({
    messages,
    seed,
    progress: (soFar) => {
      rssMax = Math.max(rssMax, process.memoryUsage.rss());
      bar.update(soFar.messages, `${soFar.wrong + soFar.thrown} wrong`);
    },
  });
  bar.stop();
  rssMax = Math.max(rssMax, process.memoryUsage.rss());
  report(figures, { seed, seconds: (Date.now() - begin) / 1_000, rssMax });
  process.exitCode = figures.wrong + figures.thrown === 0 && figures.messages === messages ? 0 : 1;
}

function report(
  figures: FuzzFigures,
  {
    seed,
    seconds,
    rssMax,
  }: { readonly seed: number; readonly seconds: number; readonly rssMax: number },
): void {
  const { messages, events, deadLetters, wrong, thrown, bytes, parsingMs } = figures;
  const lines = [
    ...figures.complaints,
    `seed ${seed}: ${messages} messages (${(bytes / MIB).toFixed(0)} MiB) in ${seconds.toFixed(0)} s`,
    `${events} events, ${deadLetters} dead letters; ${wrong} messages lost or wrong, ${thrown} thrown`,
    `the border took ${(parsingMs / 1_000).toFixed(1)} s, ${((parsingMs * 1_000) / Math.max(1, messages)).toFixed(0)} µs a message`,
    `slowest: ${figures.slowestMs.toFixed(1)} ms, of ${figures.slowestBytes} bytes; memory at most ${(rssMax / MIB).toFixed(0)} MiB`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

async function runThrough({ messages, seed }: Options): Promise<void> {
  const bar = createProgress('through the system', messages);
  const begin = Date.now();
  try {
    const found = await throughSystem({
      messages,
      seed,
      progress: (done) => {
        bar.update(done, 'published');
      },
    });
    bar.stop();
    const seconds = ((Date.now() - begin) / 1_000).toFixed(0);
    process.stdout.write(
      [
        ...found.complaints.slice(0, 10),
        `seed ${seed}: ${found.published} messages published, ${found.refused} refused by EVENTS, in ${seconds} s`,
        `${found.events} events counted of ${found.expectedEvents}, ${found.letters} dead letters kept of ${found.expectedLetters}`,
        `${found.complaints.length} wrong`,
        '',
      ].join('\n'),
    );
    process.exitCode = found.complaints.length === 0 ? 0 : 1;
  } finally {
    bar.stop();
  }
}
