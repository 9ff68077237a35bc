// Writes the figures of the benchmarks into docs/performance.md, and a few of them into README.md,
// between two markers each: of each scenario those of the last long run where there is one, else those of the last default run.
// `--check` writes nothing and fails where they differ; other files of results may be named, the
// first that has a scenario counts.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const BEGIN = '<!-- bench:begin -->';
const END = '<!-- bench:end -->';

const words = process.argv.slice(2);
const check = words.includes('--check');
const given = words.filter((word) => !word.startsWith('-'));
const inResults = (name) => fileURLToPath(new URL(`../bench/results/${name}`, import.meta.url));
const sources = given.length > 0 ? given : [inResults('long.json'), inResults('latest.json')];

/** What the README shows: a line for people, and where its figure stands. */
const HIGHLIGHTS = [
  ['sessions of 5 events, from JetStream to rows', 'pipeline', 'K = 5', 'pipeline'],
  [
    'their rate, of that of the same engine with nothing on top',
    'pipeline',
    'K = 5',
    'pipeline / floor',
  ],
  ['sessions of 20 events', 'pipeline', 'K = 20', 'pipeline'],
  [
    'events for the same CPU as the system it replaces, 20 a session',
    'replaced',
    'K = 20',
    'Sojourn / replaced',
  ],
  ['the same, 100 a session', 'replaced', 'K = 100', 'Sojourn / replaced'],
  [
    'an event until a query shows it, 50 events/s',
    'latency',
    '50 events/s',
    'publish -> query, p99',
  ],
  ['`session_end` until its row', 'latency', '50 events/s', 'session_end -> row, p99'],
  ['first event until its row', 'latency', '50 events/s', 'first event -> row, p99'],
  [
    'first event until `metrics.updated`',
    'latency',
    '50 events/s',
    'first event -> metrics.updated, p99',
  ],
  ['differences loaded and announced', 'loader', '', 'loaded and announced'],
];

/** Scenarios whose tables docs/performance.md has in sections of their own, beside figures of runs that are not kept here. */
const BY_HAND = new Set(['import', 'import-beside', 'import-live', 'live-rate']);

const short = (value) =>
  value === null
    ? '-'
    : Number(value.toPrecision(3)).toLocaleString('en-US', { maximumFractionDigits: 3 });

function scenariosOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).scenarios ?? [];
  } catch (error) {
    if (error.code === 'ENOENT' && given.length === 0) return [];
    fail(`${file}: ${error.message}`);
  }
}

function tableOf(results) {
  const lines = results.map(({ variant, metric, value, unit, min, max, goal, reached }) => {
    const spread = min === undefined || max === undefined ? '' : `${short(min)} to ${short(max)}`;
    const verdict = goal === undefined ? '' : `${goal}: ${reached ? 'yes' : '**no**'}`;
    return `| ${variant} | ${metric} | ${short(value)} ${unit} | ${spread} | ${verdict} |`;
  });
  return ['| | | median | spread | goal |', '|---|---|---|---|---|', ...lines].join('\n');
}

function circumstancesOf({ machine, versions }) {
  return (
    `${machine.cores} cores (${machine.model}), ${machine.memoryGiB} GiB, ${machine.platform}; ` +
    `Node ${versions.node}, Temporal ${versions.temporal} (SDK ${versions.temporalSdk}), ` +
    `NATS ${versions.nats}, ClickHouse ${versions.clickhouse}, Redis ${versions.redis}`
  );
}

function sectionOf({ scenario, date, commit, size, rounds, seconds, failed, results }) {
  const parts = [`### ${scenario}`];
  const many = rounds === 1 ? '1 round' : `${rounds} rounds`;
  parts.push(
    `${size} size, ${many}, ${Math.max(1, Math.round(seconds / 60))} min on ${date.slice(0, 10)} at commit ${commit}.`,
  );
  if (size === 'quick')
    parts.push('**A quick run: it shows that it works, and measures nothing.**');
  if (failed) parts.push('**It failed.**');
  else if (results.length === 0) parts.push('Left out on that machine.');
  else parts.push(tableOf(results));
  return parts.join('\n\n');
}

function textOf(scenarios) {
  if (scenarios.length === 0) return 'No full run yet.';
  const places = [...new Set(scenarios.map(circumstancesOf))];
  return [
    ...places.map((place) => `${place}.`),
    'Figures of one scenario may be compared with each other; those of two only where they come from the same run.',
    ...scenarios.map(sectionOf),
  ].join('\n\n');
}

function highlightsOf(scenarios) {
  const lines = HIGHLIGHTS.flatMap(([label, scenario, variant, metric]) => {
    const results = scenarios.find((s) => s.scenario === scenario)?.results ?? [];
    const found =
      results.find((r) => r.variant.startsWith(variant) && r.metric === metric) ??
      results.find((r) => r.variant.startsWith(variant) && r.metric.startsWith(metric));
    return found === undefined ? [] : [`| ${label} | ${short(found.value)} ${found.unit} |`];
  });
  if (lines.length === 0) return 'No full run yet.';
  return [...new Set(scenarios.map(circumstancesOf))]
    .map((place) => `${place}.`)
    .concat(['| | median |\n|---|---|\n' + lines.join('\n')])
    .join('\n\n');
}

/** The page with another text between its markers. */
function written(file, text) {
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url));
  const page = readFileSync(path, 'utf8');
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin === -1 || end < begin) fail(`${file} has lost its markers ${BEGIN} and ${END}`);
  const next = `${page.slice(0, begin + BEGIN.length)}\n\n${text}\n\n${page.slice(end)}`;
  if (!check) writeFileSync(path, next);
  else if (next !== page) fail(`${file} is not what the results say`);
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

const byName = new Map();
const order = [];
for (const measured of sources.flatMap(scenariosOf)) {
  if (!byName.has(measured.scenario)) byName.set(measured.scenario, measured);
}
// Each file has the scenarios in the order they run; so has the page, wherever each comes from. A scenario is called as its
// file, and not always as what that exports.
const runs = readFileSync(new URL('../bench/scenarios.ts', import.meta.url), 'utf8');
const files = new Map(
  Array.from(
    runs.matchAll(/import \{ (\w+) \} from '\.\/([\w-]+)\.bench\.ts'/g),
    ([, ...one]) => one,
  ),
);
const list = /SCENARIOS[^=]*= \[([^\]]*)\]/.exec(runs)?.[1] ?? '';
const names = (list.match(/\w+/g) ?? []).map((exported) => files.get(exported));
for (const name of byName.keys()) {
  if (!names.includes(name)) fail(`bench/scenarios.ts has no scenario ${name}, and the results do`);
}
for (const name of names) {
  if (byName.has(name) && !BY_HAND.has(name)) order.push(byName.get(name));
}

written('docs/performance.md', textOf(order));
written('README.md', highlightsOf(order));
