/**
 * What users who read all projects may read of the database `sojourn`, on every kind of server: all of it, but for what
 * nobody reads (docs/decisions/037). Whoever may not read a table does not see its name either.
 */
import { DATABASE } from './clickhouse.ts';

/** Ways into tables, and what `migrate` notes: no view and no command reads them as one of these users. */
export const HIDDEN_FROM_READERS: readonly string[] = [
  ...['metrics_inbox', 'full_dimensions_inbox', 'project_clocks_intake', 'schema_migrations'],
  ...['sessions_inbox', 'import_sessions_inbox', 'import_rows_inbox'],
  // Ids of people, for as long as they are being forgotten.
  'forgetting',
];

/** `status` asks as the BI user whether they are there. To read one would be to read its table past policies. */
export const NAMED_TO_READERS: readonly string[] = [
  ...['metrics_intake', 'full_dimensions_intake'],
  ...['sessions_intake', 'import_sessions_intake', 'import_rows_intake'],
];

/**
 * What is granted, without whom it is for.
 * @param databases what is read, for example `sojourn.*`
 */
export function readerGrants(databases: string): readonly string[] {
  return [
    `SELECT ON ${databases}`,
    ...NAMED_TO_READERS.map((name) => `SHOW TABLES ON ${DATABASE}.${name}`),
  ];
}

/** What is taken away again after that, without from whom. */
export function readerRevokes(): readonly string[] {
  return [...HIDDEN_FROM_READERS, ...NAMED_TO_READERS].map(
    (name) => `SELECT ON ${DATABASE}.${name}`,
  );
}
