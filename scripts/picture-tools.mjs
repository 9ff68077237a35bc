// What the scripts that make docs/pictures share: a browser, and pictures that are small.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const FOLDER = fileURLToPath(new URL('../docs/pictures', import.meta.url));

/** A Chromium of this machine: CHROMIUM, or where systems put it. */
export async function openBrowser() {
  const executablePath = [
    process.env.CHROMIUM ?? '',
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
  ].find((path) => path !== '' && existsSync(path));
  if (executablePath === undefined) throw new Error('no Chromium was found; CHROMIUM may name one');
  return await chromium.launch({ executablePath, args: ['--no-sandbox'] });
}

/** What is seen of a page, as `docs/pictures/<name>.png`. Wants ImageMagick's `convert`. */
export async function takePicture(page, name, { bytesMax, ...options }) {
  mkdirSync(FOLDER, { recursive: true });
  const file = join(FOLDER, `${name}.png`);
  await page.screenshot({ ...options, path: file });
  // A page has few colours: 64 of them are enough.
  spawnSync('convert', [file, '-strip', '-colors', '64', `png8:${file}`]);
  const { size } = statSync(file);
  process.stdout.write(`${file}: ${size} bytes\n`);
  if (size > bytesMax) throw new Error(`over ${bytesMax} bytes`);
}
