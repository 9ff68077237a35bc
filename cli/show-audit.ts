/** Shows where `sessions` and `metrics` differ. */
import { type Audit, auditTables, type PutBack } from '../operations/audit-tables.ts';
import { type Finding, LOOKS_MAX } from '../operations/settled-drift.ts';
import { SojournError } from '../shared/errors.ts';
import { commandConfig } from './command-config.ts';
import { formatCount, print, printJson, printTable, remark } from './output.ts';
import { createProgress } from './progress.ts';

export interface AuditOptions {
  readonly project?: string | undefined;
  readonly json?: true | undefined;
  readonly dataDir: string;
}

/** Prints what differs. @throws SojournError `SJ_DRIFT` where something does */
export async function showAudit(options: AuditOptions): Promise<void> {
  const { project } = options;
  const config = commandConfig(options, ['CLICKHOUSE_URL']);
  const progress = createProgress('comparing sessions and metrics');
  const startedAt = Date.now();
  let number = 1;
  const ticker = setInterval(() => {
    const seconds = Math.round((Date.now() - startedAt) / 1_000);
    progress.update(0, `look ${number} of at most ${LOOKS_MAX}, ${seconds} s`);
  }, 200);
  let finding: Audit;
  try {
    finding = await auditTables(config, project, (next) => {
      number = next;
    });
  } finally {
    clearInterval(ticker);
    progress.stop();
  }
  if (options.json === true) printJson(finding);
  else printFinding(finding);
  failWhere(finding, project);
}

function sentenceOn({ writtenAnewSince }: PutBack): string {
  return `NATS was put back to an older copy before ${writtenAnewSince}: what sessions had written since the copy and was not loaded then is in no table`;
}

function failWhere({ compared, differing, settled }: Finding, project: string | undefined): void {
  if (differing > 0) {
    const doubt = settled
      ? ''
      : '; the loader never paused, so some may have been on their way: try again in a quiet hour';
    throw new SojournError(
      'SJ_DRIFT',
      `${formatCount(differing)} of ${formatCount(compared)} rows differ between sessions and metrics${doubt}`,
    );
  }
  if (compared === 0 && project !== undefined) {
    throw new SojournError('SJ_NOT_FOUND', `there is nothing of project ${project} in ClickHouse`);
  }
}

function printFinding({ compared, rows, putBack }: Audit): void {
  for (const one of putBack) remark(sentenceOn(one));
  if (rows.length === 0) {
    print(`${formatCount(compared)} rows compared, none differs`);
    return;
  }
  printTable(
    [
      'PROJECT',
      'METRIC',
      'GRANULARITY',
      'BUCKET',
      'SPLIT BY',
      'VALUE',
      'IN SESSIONS',
      'IN METRICS',
    ],
    rows.map((row) => [
      row.project,
      row.metricType,
      row.granularity,
      row.granularity === 'total' ? '' : row.bucket.slice(0, 16).replace('T', ' '),
      row.dimension,
      row.dimensionValue,
      amount(row.inSessions, row.countInSessions),
      amount(row.inMetrics, row.countInMetrics),
    ]),
  );
  remark('a value in sessions and metrics, with the number of measurements where it is another');
}

/** The value, and how many measurements it is the sum of where that is another number. */
function amount(value: string, count: string): string {
  return value === count || count === '0' ? value : `${value} of ${count}`;
}
