/** Tables of docs/collect.md that tests print: they stand there as they were tested. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect } from 'chai';
import { processEnvironment } from '../../platform/config.ts';

const PAGE = new URL('../../docs/collect.md', import.meta.url);
const HEAD = [
  '| Tracker | Version | What it sent | Rows right | Retry right |',
  '|---|---|---|---|---|',
];

/**
 * Compares the table behind a marker with what a test has found; `SOJOURN_WRITE_DOCS=true` writes it.
 * @param name of the marker: `<!-- name -->` to `<!-- /name -->`
 */
export function expectTable(name: string, lines: readonly string[]): void {
  const place = new RegExp(`(<!-- ${name} -->\\n)[\\s\\S]*?(<!-- /${name} -->)`);
  const text = readFileSync(PAGE, 'utf8');
  const table = [...HEAD, ...lines, ''].join('\n');
  const asTested = text.replace(
    place,
    (_all, start: string, end: string) => `${start}\n${table}\n${end}`,
  );
  if (processEnvironment()['SOJOURN_WRITE_DOCS'] === 'true') writeFileSync(PAGE, asTested);
  // However wide its columns are.
  else expect(squeezed(text)).to.equal(squeezed(asTested));
}

function squeezed(text: string): string {
  return text
    .replace(/ +/g, ' ')
    .replace(/-{3,}/g, '---')
    .replace(/\| --- /g, '|---')
    .replace(/--- \|/g, '---|');
}

/** The installed version of a package. */
export function installedVersion(library: string): string {
  const require = createRequire(import.meta.url);
  const { version } = require(`../../node_modules/${library}/package.json`) as { version: string };
  return `${library} ${version}`;
}
