// Makes the pictures of the page in docs/pictures, from a page that runs: `npx sojourn up --demo`, wait until there is
// something to see, then
//   node scripts/pictures.mjs [http://127.0.0.1:8090]
// Needs a Chromium (CHROMIUM, or where systems put it) and, to make them small, ImageMagick's `convert`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const [url = 'http://127.0.0.1:8090'] = process.argv.slice(2);
const folder = fileURLToPath(new URL('../docs/pictures', import.meta.url));
const executablePath = [
  process.env.CHROMIUM ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => path !== '' && existsSync(path));
if (executablePath === undefined) throw new Error('no Chromium was found; CHROMIUM may name one');

const BYTES_MAX = 200_000;
const SIZES = { desktop: { width: 1280, height: 1000 }, phone: { width: 390, height: 1300 } };

mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
try {
  for (const [name, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of ['light', 'dark']) {
      const page = await browser.newPage({ viewport, colorScheme, bypassCSP: true });
      await page.goto(`${url}/?project=demo`);
      await page.waitForFunction(
        `document.querySelectorAll('[data-measure]').length > 0 &&
          document.querySelector('.skeleton, [aria-busy="true"]') === null &&
          document.querySelector('[data-now]')?.dataset.now !== ''`,
      );
      const file = join(folder, `dashboard-${name}-${colorScheme}.png`);
      await page.screenshot({ path: file });
      // A page has few colours: 64 of them are enough.
      spawnSync('convert', [file, '-strip', '-colors', '64', `png8:${file}`]);
      const { size } = statSync(file);
      process.stdout.write(`${file}: ${size} bytes\n`);
      if (size > BYTES_MAX) throw new Error(`over ${BYTES_MAX} bytes`);
      await page.close();
    }
  }
} finally {
  await browser.close();
}
