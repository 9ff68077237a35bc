/** Plain ClickHouse: raw events inserted as they are, and SQL that makes the same rows of them. */
import { createReadStream } from 'node:fs';
import { request } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { CLICKHOUSE_ADMIN } from '../../servers/index.ts';
import type { EventFile } from '../import-file.ts';
import { type Taken, takenBy } from '../taken.ts';
import type { World } from '../world.ts';
import { emptyDatabase } from './database.ts';
import {
  createRaw,
  createVisits,
  insertMetrics,
  insertSessions,
  insertVisits,
} from './plain-sql.ts';

export const PLAIN_DATABASE = 'sojourn_beside_plain';

/** What of the time was which step, seconds. */
export interface PlainTaken extends Taken {
  readonly steps: Readonly<Record<string, number>>;
}

/** @throws Error where ClickHouse refuses something */
export async function loadPlain(
  world: World,
  file: EventFile,
  project: string,
): Promise<PlainTaken> {
  await emptyDatabase(world, PLAIN_DATABASE);
  await world.admin.command({ query: createRaw(PLAIN_DATABASE) });
  await world.admin.command({ query: createVisits(PLAIN_DATABASE) });
  const { clickhouse = 0 } = world.pids;
  const steps: Record<string, number> = {};
  const step = async (name: string, run: () => Promise<unknown>) => {
    const begin = performance.now();
    await run();
    steps[name] = (performance.now() - begin) / 1_000;
  };
  const clientBefore = process.cpuUsage();
  const taken = await takenBy({ clickhouse }, async () => {
    await step('raw', () => insertFile(world, file));
    for (const [name, query] of [
      ['visits', insertVisits(PLAIN_DATABASE)],
      ['sessions', insertSessions(PLAIN_DATABASE)],
      ['metrics', insertMetrics(PLAIN_DATABASE)],
    ] as const) {
      await step(name, () => world.admin.command({ query, query_params: { project } }));
    }
  });
  // Whoever sends the file is a part of it: this process, with what it takes to look.
  const { user, system } = process.cpuUsage(clientBefore);
  return { ...taken, cpu: { ...taken.cpu, sender: (user + system) / 1_000 }, steps };
}

/** The file as it is, in one request. */
async function insertFile({ config, servers }: World, { path }: EventFile): Promise<void> {
  const url = new URL(config.CLICKHOUSE_URL);
  url.searchParams.set('query', `INSERT INTO ${PLAIN_DATABASE}.raw FORMAT JSONEachRow`);
  url.searchParams.set('input_format_json_ignore_unknown_keys_in_named_tuple', '1');
  const sending = request(url, {
    method: 'POST',
    headers: {
      'X-ClickHouse-User': CLICKHOUSE_ADMIN,
      'X-ClickHouse-Key': servers.secrets.clickhouse.adminPassword,
    },
  });
  const answered = new Promise<void>((resolve, reject) => {
    sending.on('error', reject);
    sending.on('response', (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(text));
      });
    });
  });
  await Promise.all([
    answered,
    pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), sending),
  ]);
}
