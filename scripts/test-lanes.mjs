// Several Mocha processes side by side, as one report: the first prints as it goes, what the others
// print follows in their turn, and one closing block counts everything.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** npm passes a Ctrl-C on as well, a moment after the terminal: that is no second one. */
const SECOND_SIGNAL_AFTER_MS = 1_000;
const EXIT_CODE_MAX = 255;
/** A timer or a connection that a test left behind keeps a process for ever. */
const END_MS_MAX = 30_000;

/**
 * A lane is a process: `{ name, files }`.
 * @returns the exit code: the number of failures, at most 255
 */
export async function runLanes(lanes, { root, options, environment }) {
  const require = createRequire(import.meta.url);
  const { reporters } = require('mocha');
  const { printClosing } = require(join(root, 'test', 'support', 'reporter.cjs'));
  const began = Date.now();
  const colors = reporters.Base.useColors ? { MOCHA_COLORS: '1' } : {};
  const env = { ...process.env, ...environment, ...colors };
  const running = lanes.map(({ name, files }) =>
    startLane(name, [...options, ...files], root, env),
  );
  const signals = passSignalsOn(running);

  const results = [];
  for (const lane of running) {
    lane.show();
    results.push(await lane.ended);
  }

  const total = addUp(results);
  total.stats.duration = Date.now() - began;
  printClosing(total);
  if (signals.length > 0) return signals[0] === 'SIGINT' ? 130 : 143;
  return Math.min(total.stats.failures, EXIT_CODE_MAX);
}

function startLane(name, words, root, env) {
  // Not by Mocha's own command: that one starts a second process, which a signal would not reach.
  const mocha = join(
    dirname(createRequire(import.meta.url).resolve('mocha/package.json')),
    'lib/cli/cli.js',
  );
  const child = spawn(process.execPath, ['--import', 'tsx/esm', mocha, ...words], {
    cwd: root,
    env,
    // A group of its own: a Ctrl-C on the terminal reaches it by us, once.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let held = [];
  for (const [from, to] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ]) {
    from.on('data', (chunk) => {
      if (held === undefined) to.write(chunk);
      else held.push([to, chunk]);
    });
  }
  let counts;
  let timer;
  child.once('message', (message) => {
    counts = message;
    timer = setTimeout(() => killGroup(child.pid), END_MS_MAX);
  });
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(deathOf(name, error.message)));
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      killGroup(child.pid);
      resolve(resultOf(name, counts, code, signal));
    });
  });
  return {
    ended,
    signal: (signal) => child.kill(signal),
    kill: () => killGroup(child.pid),
    show() {
      for (const [to, chunk] of held) to.write(chunk);
      held = undefined;
    },
  };
}

/** The counts it sent; one failure where it did not get that far, or came to a bad end after them. */
function resultOf(name, counts, code, signal) {
  const end = signal ?? `code ${code}`;
  if (counts === undefined)
    return deathOf(name, `Mocha ended with ${end} before its closing counts`);
  const expected = Math.min(counts.stats.failures, EXIT_CODE_MAX);
  const failures = counts.failures.map(({ titles, err }) => ({ err, titlePath: () => titles }));
  if (code === expected) return { stats: counts.stats, failures };
  return addUp([
    { stats: counts.stats, failures },
    deathOf(name, `Mocha ended with ${end} after its closing counts: something was left behind`),
  ]);
}

function deathOf(name, message) {
  return {
    stats: { passes: 0, pending: 0, failures: 1 },
    failures: [{ err: { message }, titlePath: () => [`the tests of ${name}`] }],
  };
}

function addUp(results) {
  const sum = (key) => results.reduce((total, { stats }) => total + (stats[key] ?? 0), 0);
  return {
    stats: { passes: sum('passes'), pending: sum('pending'), failures: sum('failures') },
    failures: results.flatMap(({ failures }) => failures),
  };
}

/** The first is passed on, so that servers are stopped; a second one waits for nothing. */
function passSignalsOn(running) {
  const signals = [];
  let firstAt = 0;
  const pass = (signal) => {
    signals.push(signal);
    if (signals.length === 1) {
      firstAt = Date.now();
      for (const lane of running) lane.signal(signal);
    } else if (Date.now() - firstAt > SECOND_SIGNAL_AFTER_MS) {
      for (const lane of running) lane.kill();
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => pass(signal));
  return signals;
}

/** Sojourn processes that a lane left behind. (Servers have groups and guards of their own.) */
function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}
