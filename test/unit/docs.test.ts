/** The documentation against what it is about: code, configuration, schema, and its own links. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { CATALOGUE_VERSION, catalogueOf, DECLARED } from '../../shared/catalogue.ts';
import { ERROR_CODES } from '../../shared/errors.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const text = (path: string) => readFileSync(join(root, path), 'utf8');

const SKIPPED = /^(node_modules|dist|coverage|\.git|\.sojourn.*)$/;

function markdownFiles(folder = root): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED.test(entry.name) ? [] : markdownFiles(path);
    return entry.name.endsWith('.md') ? [relative(root, path)] : [];
  });
}

/** Markdown without code, in which brackets and paths mean something else. */
function prose(markdown: string): string {
  return markdown.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');
}

/** The first cell of each row of a table, where it is code. */
function firstCells(markdown: string): string[] {
  return [...markdown.matchAll(/^\| (`[^|]*`) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code),
  );
}

/** The name GitHub gives a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

describe('the documentation', () => {
  const files = markdownFiles();

  it('has an example event that can be published as it is printed', () => {
    const [, example = ''] =
      /^## An event\n\n```json\n([\s\S]*?)^```/m.exec(text('README.md')) ?? [];
    const lines = example.trim().split('\n');

    // `publish` sends a message a line.
    expect(lines).to.have.length(1);
    expect(JSON.parse(lines[0] ?? '')).to.include.all.keys('eventType', 'sessionId', 'timestamp');
  });

  it('links only to files and headings that exist', () => {
    const broken = files.flatMap((file) =>
      [...prose(text(file)).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
        if (/^[a-z]+:/.test(link)) return [];
        const [path = '', anchor] = link.split('#');
        const target = path === '' ? join(root, file) : resolve(root, dirname(file), path);
        if (!existsSync(target)) return [`${file}: ${link}`];
        if (anchor === undefined) return [];
        const headings = [...readFileSync(target, 'utf8').matchAll(/^#+ (.*)$/gm)];
        return headings.some(([, heading = '']) => anchorOf(heading) === anchor)
          ? []
          : [`${file}: ${link}`];
      }),
    );

    expect(files.length).to.be.above(10);
    expect(broken).to.deep.equal([]);
  });

  it('has a row for each error code, and for no other', () => {
    const table = text('docs/errors.md').split('## Errors you see elsewhere')[0] ?? '';

    expect(firstCells(table)).to.deep.equal(Object.keys(ERROR_CODES));
  });

  it('defines each metric of the catalogue, with its granularity and dimensions', () => {
    const { eventMetrics, sessionMetrics } = catalogueOf(CATALOGUE_VERSION);
    const expected = [...eventMetrics, ...sessionMetrics].map((one) => ({
      metric: one.metric,
      granularity: one.granularity,
      splits: [
        ...one.dimensions,
        ...('measure' in one && 'sessionDimensions' in one ? one.sessionDimensions : []),
      ],
    }));
    const rows = [
      ...text('docs/metrics.md').matchAll(/^\| `(\w+)` \| (\w+) \| [^|]+ \| ([^|]+) \|/gm),
    ];
    const described = rows.map(([, metric, granularity, splits = '']) => ({
      metric,
      granularity,
      splits: [
        ...(splits.includes('none') ? [''] : []),
        ...(splits.includes('each declared dimension') ? [DECLARED] : []),
        ...[...splits.matchAll(/`(\w+)`/g)].map(([, name]) => name),
      ],
    }));

    const inOrder = (all: readonly { readonly splits: readonly unknown[] }[]) =>
      all.map((one) => ({ ...one, splits: [...one.splits].sort() }));
    expect(described).to.have.length(expected.length);
    expect(inOrder(described)).to.have.deep.members(inOrder(expected));
  });

  it('says of each metric in whose bucket it is', () => {
    const { eventMetrics, sessionMetrics } = catalogueOf(CATALOGUE_VERSION);
    const inWords = { firstEventAt: 'first event', lastEventAt: 'last event' };
    const expected = [
      ...eventMetrics.map(({ metric, granularity }) => [metric, granularity, 'the event']),
      ...sessionMetrics.map((one) => [one.metric, one.granularity, inWords[one.bucket]]),
    ].map((cells) => cells.join(' '));
    const described = [
      ...text('docs/metrics.md').matchAll(/^\| `(\w+)` \| (\w+) \| ([^|]+) \| [^|]+ \|/gm),
    ].map(([, ...cells]) => cells.join(' '));

    expect(described).to.have.members(expected);
  });

  it('says of each metric once what it counts, and what a late event does to it', () => {
    const { eventMetrics, sessionMetrics } = catalogueOf(CATALOGUE_VERSION);
    const metrics = new Set([...eventMetrics, ...sessionMetrics].map(({ metric }) => metric));
    const [, table = ''] =
      /^\| Metric \| Counted once for .*\n\|[-|]+\n((?:\|.*\n)+)/m.exec(text('docs/metrics.md')) ??
      [];

    expect(firstCells(table)).to.have.members([...metrics]);
  });

  it('describes each setting', () => {
    const settings = [...text('platform/config.ts').matchAll(/^ {2}([A-Z_]+):/gm)];
    const section = /## Settings\n([\s\S]*?)\n## /.exec(text('docs/operating.md'))?.[1] ?? '';

    expect(firstCells(section)).to.have.members(settings.map(([, name]) => name));
  });

  it('queries only tables and views that a migration makes', () => {
    const schema = readdirSync(join(root, 'migrations'))
      .filter((name) => name.endsWith('.sql'))
      .map((name) => text(join('migrations', name)))
      .join('\n');
    const made = [...schema.matchAll(/^CREATE (?:TABLE|VIEW) sojourn\.(\w+)/gm)].map(
      ([, name]) => name,
    );
    const dashboard = text('compose/grafana/dashboards/sojourn.json');
    const pages = files
      .filter((file) => /^docs\/(bi(\.md|\/)|questions\.md|recipes\.md)/.test(file))
      .map(text);
    const queried = [
      ...`${pages.join('')}${dashboard}`.matchAll(/(?:FROM|JOIN) (?:sojourn\.)?([a-z_]+)\b(?!\.)/g),
    ].map(([, name]) => name);

    expect(queried.length).to.be.above(20);
    expect(made).to.include.members(queried);
  });

  it('says what of excluded sessions wherever it asks the tables that hold them', () => {
    // The list of projects, and the age of the newest row: no session is counted.
    const isOfAll =
      /^SELECT (?:DISTINCT project|dateDiff\('second', max\(updated_at\), now\(\)\) AS age) FROM sessions\b/;
    // Also the line that `up` draws.
    const line = /^const FIGURES = `([^`]+)`/m.exec(text('cli/summary.ts'))?.[1] ?? '';
    const asked: (readonly [string, string])[] = [...statements(), ['cli/summary.ts', line]];
    const counting = asked.filter(
      ([, statement]) =>
        /(?:FROM|JOIN)\s+(?:sojourn\.)?sessions(?:_current)?\b|source\('sojourn', 'sessions/i.test(
          statement,
        ) && !isOfAll.test(statement),
    );

    expect(counting.length).to.be.above(5);
    for (const [place, statement] of counting) {
      expect(statement, place).to.match(/\bexcluded\b/);
    }
  });

  it('bounds by days of the project, not by instants of UTC, wherever it prints a date', () => {
    const pages = /^docs\/(?:bi\/.*|questions|recipes)\.md$/;
    const bounded = [...statements()].filter(
      ([place, statement]) => pages.test(place) && /[<>]=? '\d{4}-/.test(statement),
    );

    expect(bounded.length).to.be.above(20);
    for (const [place, statement] of bounded) {
      expect(statement, place).not.to.match(/\b(?:started_at|last_event_at) *[<>]=? '/);
      // By `hour` alone the days would be those of UTC.
      if (/\bhour *[<>]=? '/.test(statement)) expect(statement, place).to.match(/\bday *[<>]=? '/);
    }
  });

  /** All SQL that people copy or import: code blocks, panels of Grafana, files of the examples; with where each is from. */
  function* statements(): Generator<readonly [place: string, statement: string]> {
    for (const file of files) {
      for (const [, block = ''] of text(file).matchAll(/^```\w+\n([\s\S]*?)^```/gm)) {
        for (const statement of block.split(/;\s*$/m)) yield [file, statement.trim()];
      }
    }
    const panels = 'compose/grafana/dashboards/sojourn.json';
    for (const [, sql = ''] of text(panels).matchAll(/"rawSql": (".*")/g)) {
      yield [panels, JSON.parse(sql) as string];
    }
    for (const entry of readdirSync(join(root, 'examples'), { recursive: true })) {
      const file = join('examples', String(entry));
      if (/\.(?:sql|py|sh|java)$/.test(file)) yield [file, text(file)];
    }
  }
});
