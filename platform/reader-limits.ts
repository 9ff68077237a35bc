/**
 * How much of a ClickHouse users who read may take at a time, on a server whose users are made by SQL: a question has time,
 * memory and threads, and whoever asks may lower these, or raise them as far as it says here. Without a maximum anybody who
 * may set settings (`readonly = 2`, which BI tools need) may set them to nothing. The embedded server has the same in its
 * file (servers/clickhouse-config.ts).
 */
import type { ClickHouseClient } from '@clickhouse/client';
import { isAccessDenied, select } from './clickhouse.ts';
import type { Logger } from './log.ts';

/** Of a question that says nothing of it, and of one that asks for more. */
export const READER_SECONDS = 120;
export const READER_SECONDS_MAX = 600;

/** What is known of a server; nothing where it does not tell. */
export interface ServerSize {
  readonly memoryBytes?: number;
  readonly threads?: number;
}

const SIZE = `SELECT
  (SELECT toFloat64OrZero(value) FROM system.server_settings WHERE name = 'max_server_memory_usage') AS memory,
  (SELECT toFloat64OrZero(extract(value, '[0-9]+')) FROM system.settings WHERE name = 'max_threads') AS threads`;

/** As the admin sees it. @throws SojournError `SJ_SERVER_UNREACHABLE` */
export async function serverSize(admin: ClickHouseClient): Promise<ServerSize> {
  const rows = await select<{ memory?: number | null; threads?: number | null }>(admin, SIZE).catch(
    (error: unknown) => {
      if (isAccessDenied(error)) return [];
      throw error;
    },
  );
  const [{ memory, threads } = {}] = rows;
  return {
    ...(memory != null && memory > 0 && { memoryBytes: memory }),
    ...(threads != null && threads > 0 && { threads }),
  };
}

/** What a user is made with, behind `SETTINGS`. Half of the memory: two questions at once leave the loader some. */
export function readerSettings({ memoryBytes, threads }: ServerSize): string {
  const half = memoryBytes === undefined ? undefined : Math.round(memoryBytes / 2);
  return [
    'readonly = 2',
    `max_execution_time = ${READER_SECONDS} MIN 1 MAX ${READER_SECONDS_MAX}`,
    ...(half === undefined ? [] : [`max_memory_usage = ${half} MIN 1 MAX ${half}`]),
    // How many there are by default is the server's to say.
    ...(threads === undefined ? [] : [`max_threads MAX ${threads}`]),
  ].join(', ');
}

interface SettingRow {
  readonly name: string | null;
  readonly value: string | null;
  readonly min: string | null;
  readonly max: string | null;
  readonly profile: string | null;
}

const SETTINGS_OF = `SELECT setting_name AS name, value, min, max, inherit_profile AS profile
  FROM system.settings_profile_elements WHERE user_name = {user: String}`;

/** What earlier versions made users with: value, least and most. */
const EARLIER: ReadonlySet<string> = new Set([
  'readonly 2 - -',
  `max_execution_time ${READER_SECONDS} 1 ${READER_SECONDS_MAX}`,
]);

/**
 * Whether a user who is there has what earlier versions gave it, and that alone. Whatever else it has is an operator's, and
 * nothing of it is changed then. @throws SojournError `SJ_SERVER_UNREACHABLE`
 */
export async function hasEarlierLimits(
  admin: ClickHouseClient,
  user: string,
  log: Logger,
): Promise<boolean> {
  try {
    const rows = await select<SettingRow>(admin, SETTINGS_OF, { user });
    const isEarlier = ({ name, value, min, max, profile }: SettingRow) =>
      profile === null && EARLIER.has([name, value, min ?? '-', max ?? '-'].join(' '));
    return rows.length > 0 && rows.every(isEarlier);
  } catch (error) {
    if (!isAccessDenied(error)) throw error;
    log.warn(
      { user },
      'not known which limits the user has: the admin may not look at users (SHOW ACCESS), so they stay as they are',
    );
    return false;
  }
}
