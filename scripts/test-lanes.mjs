// Several processes side by side (test-lane.mjs), as one report: each takes the next test file when it
// has done one. The first prints as it goes, what the others print follows in their turn, and one closing
// block counts everything.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { setPriority } from 'node:os';
import { join } from 'node:path';

/** npm passes a Ctrl-C on as well, a moment after the terminal: that is no second one. */
const SECOND_SIGNAL_AFTER_MS = 1_000;
const EXIT_CODE_MAX = 255;
/** A timer or a connection that a test left behind keeps a process for ever. */
const END_MS_MAX = 30_000;

/** What only calculates takes what the tests with servers leave of the machine. */
const POLITE = 10;
/** So many times as long as its tests say may they take then. */
const PATIENCE = '5';

/**
 * A pool is what some lanes do together: `{ files, lanes, ready, stage, calculates }`. They begin once `ready` is
 * there, and all of an earlier stage have done (0 where none is given), but for those that calculate: they give way to
 * all others.
 * @returns the exit code: the number of failures, at most 255
 */
export async function runPools(pools, { root, options, environment }) {
  const require = createRequire(import.meta.url);
  const { reporters } = require('mocha');
  const { printClosing } = require(join(root, 'test', 'support', 'reporter.cjs'));
  const began = Date.now();
  const colors = reporters.Base.useColors ? { MOCHA_COLORS: '1' } : {};
  const run = {
    root,
    options,
    env: { ...process.env, ...environment, ...colors },
    bails: options.some((option) => option === '--bail' || option === '-b'),
    isOver: false,
  };
  const lanesOf = (pool) =>
    Array.from({ length: Math.min(pool.lanes, pool.files.length) }, () => startLane(pool, run));
  const calculating = pools.filter(({ calculates }) => calculates).flatMap(lanesOf);
  const others = [];
  const inTurn = pools.filter(({ calculates }) => !calculates);
  for (const pool of inTurn.toSorted((a, b) => (a.stage ?? 0) - (b.stage ?? 0))) {
    const before = others.filter(({ stage }) => stage < (pool.stage ?? 0));
    const ready = Promise.all([pool.ready, ...before.map(({ ended }) => ended)]);
    // A pool without files asks nothing of it.
    ready.catch(() => undefined);
    const stage = pool.stage ?? 0;
    others.push(...lanesOf({ ...pool, ready }).map((lane) => ({ ...lane, stage })));
  }
  const lanes = [...others, ...calculating];
  const signals = passSignalsOn(lanes, run);

  const results = [];
  for (const lane of lanes) {
    lane.show();
    results.push(...(await lane.ended));
  }

  printTimes(results, Date.now() - began, lanes.length);
  const total = addUp(results);
  total.stats.duration = Date.now() - began;
  printClosing(total);
  if (signals.length > 0) return signals[0] === 'SIGINT' ? 130 : 143;
  return Math.min(total.stats.failures, EXIT_CODE_MAX);
}

/** One process, or several in turn: where one dies in the middle of a file, another goes on with the next. */
function startLane(pool, run) {
  const output = holdOutput();
  let lane;
  const untilDone = async () => {
    const results = [];
    try {
      await pool.ready;
    } catch (error) {
      return [deathIn({ file: 'test/support/prepare.ts', began: Date.now() }, error.message)];
    }
    let goesOn = true;
    while (goesOn && pool.files.length > 0 && !run.isOver) {
      lane = startProcess(pool, run, output.write);
      const ended = await lane.ended;
      results.push(...ended.results);
      goesOn = ended.hasBegun;
    }
    return results;
  };
  return {
    ended: untilDone(),
    show: output.show,
    signal: (signal) => lane?.child.kill(signal),
    kill: () => killGroup(lane?.child.pid),
  };
}

/** Until it is shown, what is written is kept. */
function holdOutput() {
  let held = [];
  return {
    write(to, chunk) {
      if (held === undefined) to.write(chunk);
      else held.push([to, chunk]);
    },
    show() {
      for (const [to, chunk] of held) to.write(chunk);
      held = undefined;
    },
  };
}

function startProcess({ files, calculates }, run, write) {
  const script = join(run.root, 'scripts', 'test-lane.mjs');
  const child = spawn(process.execPath, ['--import', 'tsx/esm', script, ...run.options], {
    cwd: run.root,
    env: { ...run.env, ...(calculates && { SOJOURN_TEST_PATIENCE: PATIENCE }) },
    // A group of its own: a Ctrl-C on the terminal reaches it by us, once.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  if (calculates) giveWay(child);
  child.stdout.on('data', (chunk) => write(process.stdout, chunk));
  child.stderr.on('data', (chunk) => write(process.stderr, chunk));
  const results = [];
  let current;
  let hasBegun = false;
  let hasEnded = false;
  let timer;
  child.on('message', (message) => {
    if (message.next) {
      hasBegun = true;
      const file = run.isOver ? undefined : files.shift();
      if (file !== undefined) current = { file, began: Date.now() };
      child.send({ file }, ignoreGone);
    } else if (message.ended) {
      hasEnded = true;
      timer = setTimeout(() => killGroup(child.pid), END_MS_MAX);
    } else {
      results.push(resultOf(current, message));
      current = undefined;
      if (run.bails && message.stats.failures > 0) run.isOver = true;
    }
  });
  const ended = new Promise((resolve) => {
    const close = (end) => {
      clearTimeout(timer);
      killGroup(child.pid);
      if (current !== undefined) {
        results.push(deathIn(current, `the process ended with ${end} before its counts`));
      } else if (!hasEnded || end !== 'code 0') {
        const when = hasBegun ? 'after its counts: something was left behind' : 'before any test';
        const message = `the process ended with ${end} ${when}`;
        const { file = 'a lane' } = results.at(-1) ?? {};
        results.push(deathIn({ file, began: Date.now() }, message));
      }
      resolve({ results, hasBegun });
    };
    child.once('error', (error) => close(error.message));
    child.once('close', (code, signal) => close(signal ?? `code ${code}`));
  });
  return { child, ended };
}

function giveWay({ pid }) {
  try {
    if (pid !== undefined) setPriority(pid, POLITE);
  } catch {
    // It has ended, or the system allows no such thing.
  }
}

/** Its `close` tells. */
function ignoreGone() {}

function resultOf({ file, began }, { stats, failures }) {
  return {
    file,
    durationMs: Date.now() - began,
    stats,
    failures: failures.map(({ titles, err }) => ({ err, titlePath: () => titles })),
  };
}

function deathIn({ file, began }, message) {
  const stats = { passes: 0, pending: 0, failures: 1 };
  return resultOf({ file, began }, { stats, failures: [{ titles: [file], err: { message } }] });
}

function addUp(results) {
  const sum = (key) => results.reduce((total, { stats }) => total + (stats[key] ?? 0), 0);
  return {
    stats: { passes: sum('passes'), pending: sum('pending'), failures: sum('failures') },
    failures: results.flatMap(({ failures }) => failures),
  };
}

/** Where the time goes, by folder, and in which files. */
function printTimes(results, totalMs, lanes) {
  const seconds = (ms) => `${(ms / 1_000).toFixed(0)} s`;
  const folders = new Map();
  for (const { file, durationMs } of results) {
    const [, folder] = file.split('/');
    if (folder !== undefined) folders.set(folder, (folders.get(folder) ?? 0) + durationMs);
  }
  const byFolder = [...folders].map(([folder, ms]) => `${folder} ${seconds(ms)}`);
  const longest = results
    .toSorted((a, b) => b.durationMs - a.durationMs)
    .slice(0, 8)
    .map(
      ({ file, durationMs }) =>
        `${file.replace(/^test\/|\.test\.ts$/g, '')} ${seconds(durationMs)}`,
    );
  process.stdout.write(
    `\n  ${seconds(totalMs)} in ${lanes} lanes: ${byFolder.join(', ')}\n  longest: ${longest.join(', ')}\n`,
  );
}

/** The first is passed on, so that servers are stopped; a second one waits for nothing. */
function passSignalsOn(lanes, run) {
  const signals = [];
  let firstAt = 0;
  const pass = (signal) => {
    signals.push(signal);
    run.isOver = true;
    if (signals.length === 1) {
      firstAt = Date.now();
      for (const lane of lanes) lane.signal(signal);
    } else if (Date.now() - firstAt > SECOND_SIGNAL_AFTER_MS) {
      for (const lane of lanes) lane.kill();
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => pass(signal));
  return signals;
}

/** Sojourn processes that a lane left behind. (Servers have groups and guards of their own.) */
function killGroup(pid) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}
