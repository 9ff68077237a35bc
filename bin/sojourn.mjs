#!/usr/bin/env node
// The command. In a checkout it runs the TypeScript source as it is, after installing what is
// missing; in an image there is only what `npm run build` made.
import { existsSync } from 'node:fs';

const source = new URL('../cli/main.ts', import.meta.url);

if (existsSync(source)) {
  const { installPackages } = await import('../scripts/install.mjs');
  try {
    await installPackages();
  } catch (error) {
    process.stderr.write(`sojourn: ${error.message}\n`);
    process.exit(1);
  }
  const { register } = await import('tsx/esm/api');
  register();
  await import(source.href);
} else {
  await import(new URL('../dist/cli/main.js', import.meta.url).href);
}
