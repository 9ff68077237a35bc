/**
 * The two files of a ClickHouse server of ours: what it may use, and who may do what. They serve
 * the embedded engine and a real `clickhouse server` alike.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  analystGrants,
  analystUser,
  PROJECT_TABLES,
  projectCondition,
} from '../platform/analyst-rights.ts';
import type { NewAnalyst } from '../platform/analyst-users.ts';
import { READER_SECONDS, READER_SECONDS_MAX } from '../platform/reader-limits.ts';
import { readerGrants, readerRevokes } from '../platform/reader-rights.ts';
import { writerGrants } from '../platform/writer-rights.ts';

export interface ClickhousePasswords {
  readonly adminPassword: string;
  readonly writerPassword: string;
  readonly biPassword: string;
  readonly martsPassword: string;
}

export interface ClickhouseConfig {
  readonly dataDir: string;
  readonly httpPort: number;
  readonly tcpPort: number;
  readonly users: ClickhousePasswords;
  readonly analysts: readonly NewAnalyst[];
  readonly memoryBytesMax: number;
}

export interface ClickhouseFiles {
  readonly config: string;
  readonly startSql: string;
  /** The engine's own folder. */
  readonly folder: string;
}

/** Writes the files anew (readable by the user alone; they hold hashes, no password). */
export function writeClickhouseFiles(options: ClickhouseConfig): ClickhouseFiles {
  const home = join(options.dataDir, 'clickhouse');
  const files = {
    config: join(home, 'config.xml'),
    startSql: join(home, 'start.sql'),
    folder: join(home, 'data'),
  };
  mkdirSync(files.folder, { recursive: true });
  const users = join(home, 'users.xml');
  writePrivate(users, usersXml(options, Math.round(options.memoryBytesMax / 2)));
  writePrivate(files.config, configXml(options, files.folder, users));
  // Exactly one query: the quota of the user `default` (below) has no room for a second.
  writePrivate(files.startSql, 'SYSTEM START LISTEN QUERIES ALL;\n');
  return files;
}

/**
 * By default it reads its memory's state from the system twenty times a second, and measures itself once: more than half
 * of what an idle server does.
 */
function configXml(options: ClickhouseConfig, folder: string, usersFile: string): string {
  const log = join(options.dataDir, 'logs', 'clickhouse-engine.log');
  return `<clickhouse>
  <listen_host>127.0.0.1</listen_host>
  <http_port>${options.httpPort}</http_port>
  <tcp_port>${options.tcpPort}</tcp_port>
  <path>${xml(folder)}/</path>
  <tmp_path>${xml(folder)}/tmp/</tmp_path>
  <user_files_path>${xml(folder)}/user_files/</user_files_path>
  <format_schema_path>${xml(folder)}/format_schemas/</format_schema_path>
  <users_config>${xml(usersFile)}</users_config>
  <timezone>UTC</timezone>
  <logger>
    <level>warning</level>
    <log>${xml(log)}</log>
    <size>8M</size>
    <count>2</count>
  </logger>
  <max_connections>512</max_connections>
  <keep_alive_timeout>10</keep_alive_timeout>
  <max_concurrent_queries>200</max_concurrent_queries>
  <max_server_memory_usage>${options.memoryBytesMax}</max_server_memory_usage>
  <mark_cache_size>67108864</mark_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <background_pool_size>4</background_pool_size>
  <background_merges_mutations_concurrency_ratio>2</background_merges_mutations_concurrency_ratio>
  <background_schedule_pool_size>8</background_schedule_pool_size>
  <background_fetches_pool_size>1</background_fetches_pool_size>
  <background_move_pool_size>1</background_move_pool_size>
  <background_common_pool_size>2</background_common_pool_size>
  <background_message_broker_schedule_pool_size>1</background_message_broker_schedule_pool_size>
  <background_distributed_schedule_pool_size>1</background_distributed_schedule_pool_size>
  <memory_worker_period_ms>1000</memory_worker_period_ms>
  <asynchronous_metrics_update_period_s>10</asynchronous_metrics_update_period_s>
  <max_thread_pool_size>1000</max_thread_pool_size>
  <max_thread_pool_free_size>50</max_thread_pool_free_size>
  <merge_tree>
    <number_of_free_entries_in_pool_to_lower_max_size_of_merge>2</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
    <number_of_free_entries_in_pool_to_execute_mutation>2</number_of_free_entries_in_pool_to_execute_mutation>
    <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>2</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
    <fsync_after_insert>1</fsync_after_insert>
    <fsync_part_directory>1</fsync_part_directory>
  </merge_tree>
</clickhouse>
`;
}

/**
 * `default` is the engine's own in-process login: it must have no password and come from loopback.
 * So it is made useless to everybody else: it may start the listeners, once, and cannot even
 * `SELECT 1` (the limits on the syntax tree; they are constants, so no client lifts them).
 *
 * What stays open in the embedded engine: the scalar function `file('/path')` reads what our own
 * system user can read, for everybody who is logged in (the table function does not). So it is for
 * one machine and people who trust each other; outsiders get a real server.
 *
 * The limits of writer and BI user are no more than theirs to lower: a tool may set its own time limit, up to ten
 * minutes, and nobody takes all the memory.
 *
 * A name ending in `*` in a grant is every database that begins so: tests use their own ones, in which the admin makes
 * tables and readers read them. The writer needs none: what it inserts into is named.
 */
function usersXml({ users, analysts }: ClickhouseConfig, memoryShare: number): string {
  const { adminPassword, writerPassword, biPassword, martsPassword } = users;
  return `<clickhouse>
  <profiles>
    <default/>
    <boot>
      <max_ast_elements>1</max_ast_elements>
      <max_ast_depth>1</max_ast_depth>
      <constraints>
        <max_ast_elements><const/></max_ast_elements>
        <max_ast_depth><const/></max_ast_depth>
      </constraints>
    </boot>
    <admin>
      <max_threads>4</max_threads>
    </admin>
    <writer>
      <max_threads>2</max_threads>
      <max_memory_usage>${memoryShare}</max_memory_usage>
      <constraints>
        <max_threads><max>2</max></max_threads>
        <max_memory_usage><min>1</min><max>${memoryShare}</max></max_memory_usage>
      </constraints>
    </writer>
    <bi>
      <readonly>2</readonly>
      <max_threads>4</max_threads>
      <max_execution_time>${READER_SECONDS}</max_execution_time>
      <max_memory_usage>${memoryShare}</max_memory_usage>
      <cancel_http_readonly_queries_on_client_close>1</cancel_http_readonly_queries_on_client_close>
      <constraints>
        <max_threads><max>4</max></max_threads>
        <max_execution_time><min>1</min><max>${READER_SECONDS_MAX}</max></max_execution_time>
        <max_memory_usage><min>1</min><max>${memoryShare}</max></max_memory_usage>
      </constraints>
    </bi>
    <marts>
      <max_threads>4</max_threads>
      <max_memory_usage>${memoryShare}</max_memory_usage>
      <constraints>
        <max_threads><max>4</max></max_threads>
        <max_memory_usage><min>1</min><max>${memoryShare}</max></max_memory_usage>
      </constraints>
    </marts>
  </profiles>
  <quotas>
    <unlimited/>
    <boot>
      <interval>
        <duration>315360000</duration>
        <queries>1</queries>
      </interval>
    </boot>
  </quotas>
  <users>
    <default>
      <no_password/>
      <networks><ip>127.0.0.1</ip><ip>::1</ip></networks>
      <profile>boot</profile>
      <quota>boot</quota>
      <grants><query>GRANT SYSTEM LISTEN ON *.*</query></grants>
    </default>
${user('sojourn_admin', adminPassword, 'admin', [
  'GRANT ALL ON sojourn*.*',
  'GRANT SHOW, KILL QUERY, SYSTEM, INTROSPECTION ON *.*',
  'GRANT TABLE ENGINE ON *',
  'GRANT SELECT ON system.*',
  'GRANT SELECT ON information_schema.*',
  'GRANT SELECT ON INFORMATION_SCHEMA.*',
  'GRANT SET DEFINER ON *',
])}
${user(
  'sojourn_writer',
  writerPassword,
  'writer',
  writerGrants().map((right) => `GRANT ${right}`),
)}
${user('sojourn_bi', biPassword, 'bi', [
  ...READER_RIGHTS,
  'GRANT SELECT ON information_schema.*',
  'GRANT SELECT ON INFORMATION_SCHEMA.*',
  // What the view information_schema.tables reads.
  'GRANT SELECT ON system.parts',
])}
${user('sojourn_marts', martsPassword, 'marts', [
  ...READER_RIGHTS,
  'GRANT SELECT ON information_schema.*',
  'GRANT SELECT ON INFORMATION_SCHEMA.*',
  'GRANT SELECT ON system.*',
  ...MARTS_ENGINES.map((engine) => `GRANT TABLE ENGINE ON ${engine}`),
  `GRANT ${MARTS_RIGHTS} ON sojourn_marts.*`,
])}
${analysts.map(analystXml).join('\n')}
  </users>
</clickhouse>
`;
}

const READER_RIGHTS = [
  ...readerGrants('sojourn*.*').map((right) => `GRANT ${right}`),
  ...readerRevokes().map((right) => `REVOKE ${right}`),
];

/** Those that keep what they have in their own database, and nowhere else. */
const MARTS_ENGINES = [
  '',
  'Replacing',
  'Summing',
  'Aggregating',
  'Collapsing',
  'VersionedCollapsing',
]
  .map((kind) => `${kind}MergeTree`)
  .concat('Memory');

/** What models are made with, in a database of their own. */
const MARTS_RIGHTS =
  'SELECT, INSERT, ALTER, CREATE TABLE, CREATE VIEW, DROP TABLE, DROP VIEW, TRUNCATE, OPTIMIZE, SHOW';

function user(name: string, password: string, profile: string, grants: readonly string[]): string {
  const hash = createHash('sha256').update(password).digest('hex');
  return userXml({ name, hash, profile, grants });
}

/** Row policies of this file are for the one user; that others have none takes no rows from them. */
function analystXml({ name, project, passwordHash: hash }: NewAnalyst): string {
  const filter = xml(projectCondition(project));
  const policies = PROJECT_TABLES.map(
    (table) => `        <${table}><filter>${filter}</filter></${table}>`,
  ).join('\n');
  return userXml({
    name: analystUser(name),
    hash,
    profile: 'bi',
    grants: analystGrants('sojourn').map((grant) => `GRANT ${grant}`),
    more: `
      <databases><sojourn>
${policies}
      </sojourn></databases>`,
  });
}

interface User {
  readonly name: string;
  readonly hash: string;
  readonly profile: string;
  readonly grants: readonly string[];
  readonly more?: string;
}

function userXml({ name, hash, profile, grants, more = '' }: User): string {
  return `    <${name}>
      <password_sha256_hex>${hash}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip><ip>::1</ip></networks>
      <profile>${profile}</profile>
      <quota>unlimited</quota>
      <grants>
${grants.map((grant) => `        <query>${grant}</query>`).join('\n')}
      </grants>${more}
    </${name}>`;
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function writePrivate(path: string, text: string): void {
  // The mode counts only for a new file.
  rmSync(path, { force: true });
  writeFileSync(path, text, { mode: 0o600 });
}
