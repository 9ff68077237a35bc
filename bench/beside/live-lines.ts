/** The first lines of a file, the live way: published as they are, while ingest is paused. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { World } from '../world.ts';

const UNDER_WAY = 500;

/** @param count so many of the first lines */
export async function publishLines(
  { nats }: World,
  project: string,
  path: string,
  count: number,
): Promise<void> {
  const input = createReadStream(path);
  let underWay: Promise<unknown>[] = [];
  let left = count;
  for await (const line of createInterface({ input })) {
    if (left === 0) break;
    left -= 1;
    underWay.push(nats.js.publish(`events.${project}.bench`, line, { timeout: 30_000 }));
    if (underWay.length < UNDER_WAY) continue;
    await Promise.all(underWay);
    underWay = [];
  }
  await Promise.all(underWay);
  input.destroy();
}
