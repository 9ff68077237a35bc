/** Whether ClickHouse lets the writer in, and write: asked before something is set that would then be half done. */
import type { ClickHouseClient } from '@clickhouse/client';
import { clickHouseUnreachable } from '../platform/clickhouse.ts';
import type { Config } from '../platform/config.ts';
import { ConnectionFaultError } from '../platform/connection-fault.ts';
import { mayWriteProjectRows, PROJECTS_TABLE } from '../platform/project-rows.ts';
import { SojournError } from '../shared/errors.ts';

/**
 * Returns also where ClickHouse is merely away: what is set then counts for ingest, and the row follows.
 * @throws SojournError `SJ_CONFIG` where it refuses the login and no password of the writer is set, or the login has no
 * right to the row; `SJ_SERVER_UNREACHABLE`, with what to set, where TLS or the login is wrong
 */
export async function expectWriterLogin(
  config: Config & { readonly CLICKHOUSE_URL: string },
  writer: Pick<ClickHouseClient, 'ping' | 'exec'>,
): Promise<void> {
  const answer = await writer.ping({ select: true });
  if (answer.success) {
    if (await mayWriteProjectRows(writer)) return;
    throw new SojournError(
      'SJ_CONFIG',
      `ClickHouse lets ${config.CLICKHOUSE_WRITER_USER} in, and does not let it write the row that views go by; grant it INSERT ON ${PROJECTS_TABLE}, as \`npx sojourn migrate\` does, or set CLICKHOUSE_WRITER_USER. Nothing was changed`,
    );
  }
  const fault = await clickHouseUnreachable(config)(answer.error).catch(
    (thrown: unknown) => thrown,
  );
  if (!(fault instanceof ConnectionFaultError)) return;
  // A writer without a password may be there: so it is only said where ClickHouse says no.
  if (fault.kind !== 'login' || config.CLICKHOUSE_WRITER_PASSWORD !== undefined) throw fault;
  throw new SojournError(
    'SJ_CONFIG',
    'not set: CLICKHOUSE_WRITER_PASSWORD; the row that views go by is written with it, and ClickHouse refuses the writer without. Nothing was changed',
    { cause: fault },
  );
}
