// Walks through docs/operator-walk-through.md from top to bottom on a Sojourn of its own, started for that on free ports and in
// a new folder: commands (`$ …` in blocks of `text`) are run and what they print is put below them, pictures
// (`pictures/operator-….png`) are taken of the Temporal UI, in which it clicks as an operator would.
//   node scripts/pictures-operator.mjs
// Needs what scripts/pictures.mjs needs, curl, and util-linux's `script`: commands print tables on a terminal only.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beginOlderSessions } from './older-sessions.mjs';
import { openBrowser, takePicture } from './picture-tools.mjs';

const PAGE = fileURLToPath(new URL('../docs/operator-walk-through.md', import.meta.url));
const COMMAND = fileURLToPath(new URL('../bin/sojourn.mjs', import.meta.url));
const BYTES_MAX = 150_000;
const WIDTH = 1200;
const START_MS_MAX = 300_000;
const SHOWN_MS_MAX = 20_000;
const { PATH, HOME, SOJOURN_CACHE = '' } = process.env;

const PROJECT = 'shop';
const FORGOTTEN = 'f9d210';
/** What the page says that is given to the signal `end`. */
const END_NOTE = { by: 'anna', reason: 'a test that was left on' };
/** Its sessions began before an upgrade. */
const UPGRADED = { project: 'garden', sessions: 12 };
const MINUTE_MS = 60_000;

/** The events of a session, each told by how many minutes ago it was, its type, and its path or money. */
function visit(sessionId, attributes, events, userId) {
  const now = Date.now();
  return events.map(([minutesAgo, eventType, what], index) => ({
    eventType,
    sessionId,
    eventId: `${sessionId}-${index}`,
    timestamp: new Date(now - minutesAgo * MINUTE_MS).toISOString(),
    ...(userId !== undefined && { userId }),
    properties: {
      ...attributes,
      ...(eventType === 'pageview' && { path: what }),
      ...(eventType === 'purchase' && { path: '/checkout', revenue: what, currency: 'EUR' }),
    },
  }));
}

/** A few visitors, and a test of the checkout that somebody forgot: an order every two and a half minutes. */
function visits() {
  const views = (...pages) => pages.map(([minutesAgo, path]) => [minutesAgo, 'pageview', path]);
  const test = Array.from({ length: 48 }, (_, n) => {
    const minutesAgo = (48 - n) / 2;
    return n % 5 === 4 ? [minutesAgo, 'purchase', '499'] : [minutesAgo, 'pageview', '/checkout'];
  });
  const from = (country, deviceType, trafficSource) => ({ country, deviceType, trafficSource });
  return [
    visit('5e90d3', from('FR', 'mobile', 'google'), [
      ...views([24, '/lamps/floor']),
      [23.9, 'session_end'],
    ]),
    visit(
      'c2d874',
      from('DE', 'desktop', 'newsletter'),
      [
        ...views([22, '/'], [21, '/sale'], [20, '/sale/chair']),
        [18, 'purchase', '119'],
        [17, 'session_end'],
      ],
      'u-1007',
    ),
    visit(
      FORGOTTEN,
      { ...from('DE', 'desktop', 'direct'), browser: 'Chrome', os: 'Linux' },
      test,
      'qa-checkout',
    ),
    visit(
      'b7f2c1',
      from('AT', 'desktop', 'google'),
      views([9, '/lamps'], [8, '/lamps/desk'], [4, '/delivery']),
    ),
    visit(
      '77ab1e',
      from('US', 'tablet', 'instagram'),
      views([6, '/sale'], [5, '/sale/chair']),
      'u-1033',
    ),
    visit(
      'a41c09',
      from('DE', 'mobile', 'newsletter'),
      [...views([5, '/'], [4, '/lamps'], [3, '/lamps/desk']), [1, 'purchase', '42.90']],
      'u-1024',
    ),
    visit('e013f8', from('GB', 'mobile', 'google'), views([1, '/lamps/floor'])),
  ].flat();
}

/** What the UI keeps in the browser: columns as an operator adds them by the gear below the list, and the list of views closed. */
const REMEMBERED = {
  savedQueryNavOpen: false,
  'namespace-workflow-table-columns': {
    default: [
      { label: 'Status', pinned: true },
      { label: 'Workflow ID', pinned: true },
      { label: 'SojournUser', pinned: false },
      { label: 'SojournCountry', pinned: false },
      { label: 'SojournDevice', pinned: false },
      { label: 'SojournTrafficSource', pinned: false },
      { label: 'SojournEngaged', pinned: false },
      { label: 'Start', pinned: false },
    ],
  },
};

/** What is clicked for each picture; a picture goes on where the one before it was. */
const LOOKS = {
  list: {
    height: 480,
    look: (page, ui) =>
      find(page, ui, `SojournProject = '${PROJECT}' AND ExecutionStatus = 'Running'`),
  },
  session: {
    height: 1000,
    async look(page, ui) {
      await find(page, ui, "SojournUser = 'qa-checkout'");
      await openNewest(page, `session/${PROJECT}/${FORGOTTEN}`);
    },
  },
  state: { height: 1000, look: (page) => askState(page) },
  signal: {
    async look(page) {
      await page.getByText('More Actions').first().click();
      await page.getByText('Send a Signal').first().click();
      await page.locator('dialog[open]').getByTestId('signal-select-button').click();
    },
  },
  ended: {
    height: 1000,
    async look(page) {
      await page.locator('dialog[open]').getByText('Settles the session now').click();
      // Who asks, and why.
      await page.locator('dialog[open] .cm-content').click();
      await page.keyboard.insertText(JSON.stringify(END_NOTE));
      await page.locator('dialog[open]').getByRole('button', { name: 'Submit' }).click();
      await page.getByText('Completed').first().waitFor();
      await openDetails(page);
    },
  },
  excluded: {
    height: 1000,
    async look(page, ui) {
      await find(page, ui, "SojournUser = 'qa-checkout'");
      await openNewest(page, `session/${PROJECT}/${FORGOTTEN}`);
    },
  },
  restate: {
    height: 1000,
    async look(page, ui) {
      await find(page, ui, "WorkflowType = 'restate'");
      await openNewest(page, `restate/${UPGRADED.project}`);
    },
  },
  loader: {
    height: 1000,
    async look(page, ui) {
      await find(page, ui, "WorkflowType = 'loader' AND ExecutionStatus = 'Running'");
      await openNewest(page, 'loader/0');
    },
  },
};

async function find(page, ui, query) {
  await page.goto(`${ui}/namespaces/default/workflows?query=${encodeURIComponent(query)}`);
  await page
    .getByRole('link', { name: /^(session|loader|restate)\// })
    .first()
    .waitFor();
}

async function openNewest(page, workflowId) {
  await page.getByRole('link', { name: workflowId }).first().click();
  await openDetails(page);
}

async function openDetails(page) {
  await openTab(page, 'User Metadata');
  await page.getByText('Current Details').first().waitFor();
}

async function openTab(page, name) {
  await page.getByRole('link', { name }).or(page.getByRole('tab', { name })).first().click();
}

async function askState(page) {
  await openTab(page, 'Queries');
  await page.getByRole('button', { name: 'Run Query' }).click();
  await page.getByText('firstEventAt').first().waitFor();
}

const folder = mkdtempSync(join(tmpdir(), 'sojourn-walk-'));
const up = startUp();
let browser;
try {
  await up.isRunning;
  const { TEMPORAL_UI_URL: ui, TEMPORAL_ADDRESS: address } = readEnvFile();
  await beginOlderSessions(address, UPGRADED.project, UPGRADED.sessions);
  publish(visits());
  browser = await openBrowser();
  const page = await openPage(browser);
  await walk(page, ui);
} finally {
  await browser?.close();
  await up.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** Everything that the page has, in its order. */
async function walk(page, ui) {
  const parts = readFileSync(PAGE, 'utf8').split(/(^```[a-z]+\n[\s\S]*?^```$|^!\[.*\]\(.*\)$)/m);
  const definitions = [];
  for (const [index, part] of parts.entries()) {
    const [, definition] = /^```sh\n([\s\S]*)^```$/m.exec(part) ?? [];
    const [, command] = /^```text\n\$ ((?:.*\\\n)*.*)\n/.exec(part) ?? [];
    const [, picture] = /^!\[.*\]\(pictures\/operator-(.*)\.png\)$/.exec(part) ?? [];
    if (definition !== undefined) definitions.push(definition);
    if (command !== undefined) {
      parts[index] = `\`\`\`text\n$ ${command}\n${run(command, definitions)}\n\`\`\``;
    }
    if (picture !== undefined) {
      const { height = 720, look } = LOOKS[picture];
      await page.setViewportSize({ width: WIDTH, height });
      await look(page, ui);
      await page.mouse.move(0, 0);
      await page.waitForTimeout(1_000);
      await takePicture(page, `operator-${picture}`, { bytesMax: BYTES_MAX });
    }
  }
  writeFileSync(PAGE, parts.join(''));
}

/** @returns what the command prints on a terminal */
function run(command, definitions) {
  process.stdout.write(`$ ${command}\n`);
  const npx = `npx() { shift; node '${COMMAND}' "$@"; }`;
  const script = join(folder, 'command.sh');
  // What is for programs and what is for people come in one order on a terminal only; here people's comes last.
  const words = `{\n${command}\n} 2>remarks; code=$?; cat remarks; exit $code`;
  writeFileSync(script, ['. .sojourn/env', npx, ...definitions, words].join('\n'));
  const { stdout, status } = spawnSync('script', ['-qec', 'bash command.sh', '/dev/null'], {
    cwd: folder,
    env: { PATH, HOME, SOJOURN_CACHE, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`'${command}' ended with ${status}: ${stdout}`);
  return stdout
    .replaceAll('\r', '')
    .replace(/\x1b\[[0-9;]*m/g, '')
    .trimEnd();
}

function publish(events) {
  writeFileSync(
    join(folder, 'events.ndjson'),
    events.map((one) => `${JSON.stringify(one)}\n`).join(''),
  );
  run(`npx sojourn publish events.ndjson --project ${PROJECT}`, []);
  run('npx sojourn status --wait >/dev/null', []);
  // The list of workflows is up to date a moment later.
  run('sleep 2', []);
}

function startUp() {
  const ports = [
    'nats',
    'temporal',
    'temporal-ui',
    'clickhouse',
    'redis',
    'dashboard',
    'health',
    'collect',
  ];
  const child = spawn(
    process.execPath,
    [COMMAND, 'up', ...ports.flatMap((name) => [`--${name}-port`, '0'])],
    {
      cwd: folder,
      env: { PATH, HOME, SOJOURN_CACHE },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const isRunning = new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`it does not start: ${output}`)), START_MS_MAX);
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk;
        if (!output.includes('Sojourn is running.')) return;
        clearTimeout(timer);
        resolve();
      });
    }
    child.once('exit', () => reject(new Error(`it has ended: ${output}`)));
  });
  return {
    isRunning,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

function readEnvFile() {
  const lines = readFileSync(join(folder, '.sojourn/env'), 'utf8').trim().split('\n');
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s)));
}

async function openPage(browser) {
  const context = await browser.newContext({ colorScheme: 'light', timezoneId: 'UTC' });
  await context.addInitScript((stored) => {
    for (const [key, value] of Object.entries(stored)) {
      if (localStorage.getItem(key) === null) localStorage.setItem(key, JSON.stringify(value));
    }
  }, REMEMBERED);
  const page = await context.newPage();
  page.setDefaultTimeout(SHOWN_MS_MAX);
  return page;
}
