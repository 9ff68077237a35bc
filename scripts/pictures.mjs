// Makes the pictures of the page in docs/pictures, from a page that runs: `npx sojourn up --demo`, wait until there is
// something to see, then
//   node scripts/pictures.mjs [http://127.0.0.1:8090]
// Needs a Chromium (CHROMIUM, or where systems put it) and, to make them small, ImageMagick's `convert`.
import { openBrowser, takePicture } from './picture-tools.mjs';

const [url = 'http://127.0.0.1:8090'] = process.argv.slice(2);

const BYTES_MAX = 200_000;
const SIZES = { desktop: { width: 1280, height: 1000 }, phone: { width: 390, height: 1300 } };

const browser = await openBrowser();
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
      await takePicture(page, `dashboard-${name}-${colorScheme}`, { bytesMax: BYTES_MAX });
      await page.close();
    }
  }
} finally {
  await browser.close();
}
