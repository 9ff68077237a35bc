// Writes the figures of the last full benchmark into docs/performance.md, between its two markers.
// `--check` writes nothing and fails where they differ; another file of results may be named.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const BEGIN = '<!-- bench:begin -->';
const END = '<!-- bench:end -->';

const words = process.argv.slice(2);
const check = words.includes('--check');
const given = words.find((word) => !word.startsWith('-'));
const source = given ?? fileURLToPath(new URL('../bench/results/latest.json', import.meta.url));
const target = fileURLToPath(new URL('../docs/performance.md', import.meta.url));

const short = (value) =>
  value === null
    ? '-'
    : Number(value.toPrecision(3)).toLocaleString('en-US', { maximumFractionDigits: 3 });

function tableOf(results) {
  const lines = results.map(({ variant, metric, value, unit, min, max, goal, reached }) => {
    const spread = min === undefined || max === undefined ? '' : `${short(min)} to ${short(max)}`;
    const verdict = goal === undefined ? '' : `${goal}: ${reached ? 'yes' : '**no**'}`;
    return `| ${variant} | ${metric} | ${short(value)} ${unit} | ${spread} | ${verdict} |`;
  });
  return ['| | | median | spread | goal |', '|---|---|---|---|---|', ...lines].join('\n');
}

function textOf({ date, commit, machine, versions, rounds, quick, failed = [], results }) {
  const parts = [
    `Measured ${date.slice(0, 10)} at commit ${commit}: ${machine.cores} cores (${machine.model}), ${machine.memoryGiB} GiB, ${machine.platform}; ` +
      `Node ${versions.node}, Temporal SDK ${versions.temporalSdk}, chDB ${versions.chdb}; ${rounds} rounds. ` +
      'Comparable within this run only.',
  ];
  if (quick)
    parts.push('**From a quick run: it shows that everything works, and measures nothing.**');
  if (failed.length > 0) parts.push(`**Failed: ${failed.join(', ')}.**`);
  for (const scenario of new Set(results.map((result) => result.scenario))) {
    const mine = results.filter((result) => result.scenario === scenario);
    parts.push(`### ${scenario}`, tableOf(mine));
  }
  return parts.join('\n\n');
}

let run;
try {
  run = JSON.parse(readFileSync(source, 'utf8'));
} catch (error) {
  process.stderr.write(`no results to read (${error.message}); run \`npm run bench\` first\n`);
  process.exit(1);
}
const page = readFileSync(target, 'utf8');
const begin = page.indexOf(BEGIN);
const end = page.indexOf(END);
if (begin === -1 || end < begin) {
  process.stderr.write(`docs/performance.md has lost its markers ${BEGIN} and ${END}\n`);
  process.exit(1);
}
const next = `${page.slice(0, begin + BEGIN.length)}\n\n${textOf(run)}\n\n${page.slice(end)}`;
if (check) {
  if (next !== page) {
    process.stderr.write('docs/performance.md is not what the results say\n');
    process.exit(1);
  }
} else {
  writeFileSync(target, next);
}
