/**
 * The process that holds the embedded ClickHouse server: `clickhouse local` of libchdb, told to
 * listen. Its HTTP and native TCP handlers are the real ones; no HTTP code of ours is needed.
 *
 *     node clickhouse-host.ts CONFIG_FILE DATA_FOLDER START_SQL
 *
 * The engine runs one file of queries (start the listeners), then reads the next "file", the read
 * end of a pipe that we hold: it serves until we close the write end, and then ends in good order.
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const [configFile, folder, startSql] = process.argv.slice(2);
if (configFile === undefined || folder === undefined || startSql === undefined) {
  throw new Error('usage: clickhouse-host CONFIG_FILE DATA_FOLDER START_SQL');
}
// Loaded here and not at the top: these packages are optional, and only this process needs them.
const { DataType, load, open } = await import('ffi-rs');

open({ library: 'chdb', path: libraryFile() });
open({ library: 'libc', path: '' });

const [readEnd, writeEnd] = makePipe();
const input = { closed: false };
const endInput = (): void => {
  if (input.closed) return;
  input.closed = true;
  callC('close', [writeEnd]);
};
process.on('SIGTERM', endInput);
process.on('SIGINT', endInput);

const argv = [
  'clickhouse',
  `--config-file=${configFile}`,
  // This mode does not take the level from the file.
  '--log-level=warning',
  `--path=${folder}`,
  `--queries-file=${startSql}`,
  `--queries-file=/dev/fd/${readEnd}`,
];
await load({
  library: 'chdb',
  funcName: 'chdb_query_cmdline',
  retType: DataType.External,
  paramsType: [DataType.I32, DataType.StringArray],
  paramsValue: [argv.length, argv],
  // In a thread of its own, so that this one can take signals.
  runInNewThread: true,
});
// The result is left alone: asking an ended engine for its error crashes. It has written what was
// wrong to standard error; that it ended unasked is all that is left to say.
process.exit(input.closed ? 0 : 1);

function libraryFile(): string {
  const libc = process.platform === 'linux' ? '-gnu' : '';
  const name = `@chdb/lib-${process.platform}-${process.arch}${libc}`;
  const fromChdb = createRequire(createRequire(import.meta.url).resolve('chdb/package.json'));
  return join(dirname(fromChdb.resolve(`${name}/package.json`)), 'libchdb.so');
}

function makePipe(): [number, number] {
  const ends = Buffer.alloc(8);
  const status = load({
    library: 'libc',
    funcName: 'pipe',
    retType: DataType.I32,
    paramsType: [DataType.U8Array],
    paramsValue: [ends],
  });
  if (status !== 0) throw new Error('pipe() failed');
  return [ends.readInt32LE(0), ends.readInt32LE(4)];
}

function callC(funcName: string, values: number[]): void {
  load({
    library: 'libc',
    funcName,
    retType: DataType.I32,
    paramsType: values.map(() => DataType.I32),
    paramsValue: values,
  });
}
