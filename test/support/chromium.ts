/** A Chromium that is on this machine: `CHROMIUM` names it, else it is where systems put it. */
import { existsSync } from 'node:fs';
import { processEnvironment } from '../../platform/config.ts';

const USUAL_PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/google-chrome',
  '/snap/bin/chromium',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Its path; undefined where there is none. */
export function findChromium(): string | undefined {
  return [processEnvironment()['CHROMIUM'] ?? '', ...USUAL_PLACES].find(
    (path) => path !== '' && existsSync(path),
  );
}
