/**
 * Replicated tables as ClickHouse keeps them, as far as the write protocol goes: what is in Keeper (deduplication, the
 * log, the quorum under way) and what each replica has of it. After ReplicatedMergeTreeSink.cpp and
 * StorageReplicatedMergeTree.cpp; with `insert_quorum_parallel = 0`.
 */
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import {
  type ClickHouseClient,
  ClickHouseError,
  type ClickHouseSettings,
} from '@clickhouse/client';

interface Part {
  readonly rows: readonly Row[];
  readonly token: string | undefined;
}

export type Row = Readonly<Record<string, unknown>>;

const refusal = (code: string) => new ClickHouseError({ message: `code ${code}`, code });

/** What Keeper has of a table, and which parts each replica has. */
class ReplicatedTable {
  private readonly log: Part[] = [];
  /** The newest last; no more than the window. */
  private tokens: { readonly token: string; readonly part: Part }[] = [];
  private waiting: { readonly part: Part; readonly have: Set<number> } | undefined;
  private lastWithQuorum: Part | undefined;
  private readonly failed = new Set<Part>();
  private readonly replicas: Set<Part>[];
  private readonly isAlive: readonly boolean[];
  private readonly window: number;

  constructor(isAlive: readonly boolean[], window: number) {
    this.isAlive = isAlive;
    this.window = window;
    this.replicas = isAlive.map(() => new Set<Part>());
  }

  get quorum(): number {
    return Math.floor(this.replicas.length / 2) + 1;
  }

  get isWaiting(): boolean {
    return this.waiting !== undefined;
  }

  /** Before anything is written. @throws ClickHouseError 285, 286 */
  checkQuorum(): void {
    if (this.isAlive.filter(Boolean).length < this.quorum) throw refusal('285');
    if (this.waiting !== undefined) throw refusal('286');
  }

  /** @returns whether it was new */
  write(at: number, rows: readonly Row[], token: string | undefined, hasQuorum: boolean): boolean {
    if (token !== undefined && this.tokens.some((known) => known.token === token)) return false;
    const part = { rows, token };
    this.log.push(part);
    this.partsOf(at).add(part);
    if (token !== undefined) this.tokens = [...this.tokens, { token, part }].slice(-this.window);
    if (hasQuorum) {
      this.waiting = { part, have: new Set([at]) };
      this.settle();
    }
    return true;
  }

  /** An entry of the log that a replica has not done yet; several are under way at once, so any of them. */
  fetch(at: number, which = 0): void {
    if (this.isAlive[at] !== true) return;
    const parts = this.partsOf(at);
    const missing = this.missingAt(at);
    const part = missing[which % Math.max(1, missing.length)];
    if (part === undefined) return;
    const isThere = this.replicas.some(
      (has, other) => this.isAlive[other] === true && has.has(part),
    );
    if (isThere) {
      parts.add(part);
      if (this.waiting?.part === part) this.waiting.have.add(at);
      this.settle();
    } else if (this.waiting?.part === part) {
      // Nobody who is there has it, and no quorum knew it: it never was.
      this.failed.add(part);
      this.tokens = this.tokens.filter((known) => known.part !== part);
      this.waiting = undefined;
    }
  }

  /** A replica knows it by the log: `log_pointer`, `inserts_in_queue` of system.replicas. */
  isCaughtUp(at: number): boolean {
    return this.missingAt(at).length === 0;
  }

  private missingAt(at: number): readonly Part[] {
    const parts = this.partsOf(at);
    return this.log.filter((part) => !parts.has(part) && !this.failed.has(part));
  }

  /** A server that comes back drops what was found to be failed. */
  comeBack(at: number): void {
    for (const part of this.failed) this.partsOf(at).delete(part);
  }

  lose(at: number): void {
    this.partsOf(at).clear();
  }

  /**
   * A sequential read wants the last part that a quorum has, and takes that for a sign that the replica has those before
   * it; it has not, where one that lagged has become the writer. @throws ClickHouseError 289
   */
  read(at: number, isSequential: boolean): readonly Row[] {
    const parts = this.partsOf(at);
    const last = this.lastWithQuorum;
    if (isSequential && last !== undefined && !parts.has(last)) throw refusal('289');
    const seen = isSequential
      ? [...parts].filter((part) => part !== this.waiting?.part)
      : [...parts];
    return seen.flatMap(({ rows }) => rows);
  }

  private settle(): void {
    if (this.waiting === undefined || this.waiting.have.size < this.quorum) return;
    this.lastWithQuorum = this.waiting.part;
    this.waiting = undefined;
  }

  private partsOf(at: number): Set<Part> {
    const parts = this.replicas[at];
    if (parts === undefined) throw new Error(`no replica ${at}`);
    return parts;
  }
}

/** `slow`: the quorum does not come together in time. `heldBack`: it arrives later, though the client has given up. */
export type Fate = 'done' | 'refused' | 'replyLost' | 'heldBack' | 'slow';

interface HeldBack {
  readonly at: number;
  readonly insert: Insert;
}

interface Insert {
  readonly table: string;
  readonly rows: readonly Row[];
  readonly settings: ClickHouseSettings;
}

interface BytesInsert {
  readonly query: string;
  readonly values: Readable;
  readonly clickhouse_settings: ClickHouseSettings;
}

export interface ModelOptions {
  readonly replicas: 2 | 3;
  /** How many tokens `metrics` knows. */
  readonly window: number;
  /** What a server is told with an insert: what the client says with each query, and what the insert says itself. */
  readonly settingsOf: (server: number, said: ClickHouseSettings) => ClickHouseSettings;
  readonly nextFate: () => Fate;
}

/** The tables of a load, and clients of their servers. */
export class ClusterModel {
  private readonly isAlive: boolean[];
  private readonly metrics: ReplicatedTable;
  private readonly ranges: ReplicatedTable;
  private readonly heldBack: HeldBack[] = [];
  private hasLost = false;
  private readonly options: ModelOptions;

  constructor(options: ModelOptions) {
    this.options = options;
    this.isAlive = Array<boolean>(options.replicas).fill(true);
    this.metrics = new ReplicatedTable(this.isAlive, options.window);
    this.ranges = new ReplicatedTable(this.isAlive, 10_000);
  }

  get size(): number {
    return this.options.replicas;
  }

  client(at: number): ClickHouseClient {
    const client = {
      insert: (params: {
        table: string;
        columns: readonly string[];
        values: readonly (readonly unknown[])[];
        clickhouse_settings: ClickHouseSettings;
      }) => this.insert(at, params),
      // Bytes are JSON here, whatever their name: what is asked is what becomes of them.
      exec: async ({ query, values, ...params }: BytesInsert) => {
        const [, table = ''] = /INTO (\S+)/.exec(query) ?? [];
        const rows = JSON.parse(await text(values)) as readonly Row[];
        const columns = Object.keys(rows[0] ?? {});
        const lists = rows.map((row) => Object.values(row));
        const { summary } = await this.insert(at, { table, columns, values: lists, ...params });
        return { summary, stream: Readable.from([]) };
      },
      query: () => this.answer(at, [{ result: 1 }]),
    };
    return client as unknown as ClickHouseClient;
  }

  tick(at: number, which = 0): void {
    this.metrics.fetch(at, which);
    this.ranges.fetch(at, which);
  }

  isAliveAt(at: number): boolean {
    return this.isAlive[at] === true;
  }

  isCaughtUp(at: number): boolean {
    return this.metrics.isCaughtUp(at) && this.ranges.isCaughtUp(at);
  }

  kill(at: number): void {
    this.isAlive[at] = false;
  }

  start(at: number): void {
    if (this.isAlive[at] === true) return;
    this.isAlive[at] = true;
    for (const table of [this.metrics, this.ranges]) table.comeBack(at);
  }

  /** One disk, once: more than a quorum promises to bear is not asked of it. */
  loseDisk(at: number): void {
    if (this.hasLost) return;
    this.hasLost = true;
    for (const table of [this.metrics, this.ranges]) table.lose(at);
  }

  deliver(which: number): void {
    const [late] = this.heldBack.splice(which % Math.max(1, this.heldBack.length), 1);
    if (late === undefined || this.isAlive[late.at] !== true) return;
    try {
      this.arrive(late.at, late.insert, false);
    } catch {
      // Nobody hears it any more.
    }
  }

  /** All servers are back and have had time, and what was held back has come. */
  heal(): void {
    for (let at = 0; at < this.size; at += 1) this.start(at);
    const catchUp = () => {
      for (let n = 0; n < 500; n += 1) this.tick(n % this.size);
    };
    catchUp();
    while (this.heldBack.length > 0) {
      this.deliver(0);
      catchUp();
    }
  }

  /** Sum of `metrics` on a replica, as somebody reads it who asks for the latest. @throws ClickHouseError 289 */
  sumAt(at: number): number {
    return this.metrics.read(at, true).reduce((sum, row) => sum + Number(row['value']), 0);
  }

  /** How far a replica says that the log is loaded. @throws ClickHouseError 289 */
  loadedAt(at: number): number {
    return loadedTo(this.ranges.read(at, true));
  }

  private async answer<T>(at: number, value: T) {
    await Promise.resolve();
    if (this.isAlive[at] !== true) throw notConnected();
    return { json: () => Promise.resolve(value) };
  }

  private async insert(
    at: number,
    params: {
      table: string;
      columns: readonly string[];
      values: readonly (readonly unknown[])[];
      clickhouse_settings: ClickHouseSettings;
    },
  ) {
    await Promise.resolve();
    const fate = this.options.nextFate();
    if (fate === 'refused' || this.isAlive[at] !== true) throw notConnected();
    const { table, columns, values, clickhouse_settings } = params;
    const rows = values.map((row) =>
      Object.fromEntries(columns.map((column, index) => [column, row[index]])),
    );
    const insert = { table, rows, settings: this.options.settingsOf(at, clickhouse_settings) };
    if (fate === 'heldBack') {
      this.heldBack.push({ at, insert });
      throw brokenOff();
    }
    const written = this.arrive(at, insert, fate !== 'slow');
    if (fate === 'replyLost') throw brokenOff();
    return { summary: { written_rows: String(written) } };
  }

  /** @returns how many rows the server says that it wrote. @throws ClickHouseError */
  private arrive(at: number, { table, rows, settings }: Insert, isQuick: boolean): number {
    const hasQuorum = settings.insert_quorum === 'auto';
    const token = String(settings.insert_deduplication_token);
    if (table === 'sojourn.loaded_ranges') {
      this.writeWith(this.ranges, { at, rows, token, hasQuorum, isQuick });
      return rows.length;
    }
    const isSequential = Number(settings.select_sequential_consistency) === 1;
    const fence = loadedTo(this.ranges.read(at, isSequential));
    const passed = rows.filter((row) => Number(row['range_from']) > fence);
    if (passed.length === 0) return rows.length;
    // Without the setting the token is not known behind the view.
    const isKnown = Number(settings.deduplicate_blocks_in_dependent_materialized_views) === 1;
    this.writeWith(this.metrics, {
      ...{ at, hasQuorum, isQuick, rows: passed },
      token: isKnown ? token : undefined,
    });
    return 2 * rows.length;
  }

  private writeWith(
    table: ReplicatedTable,
    write: {
      at: number;
      rows: readonly Row[];
      token: string | undefined;
      hasQuorum: boolean;
      isQuick: boolean;
    },
  ): void {
    const { at, rows, token, hasQuorum, isQuick } = write;
    if (hasQuorum) table.checkQuorum();
    const isNew = table.write(at, rows, token, hasQuorum);
    if (!hasQuorum || !isNew) return;
    if (isQuick) {
      for (let n = 0; n < 200 && table.isWaiting; n += 1) table.fetch(n % this.size);
    }
    if (table.isWaiting) throw refusal('319');
  }
}

function loadedTo(rows: readonly Row[]): number {
  return Math.max(0, ...rows.map((row) => Number(row['range_to'])));
}

function notConnected(): Error {
  return Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
}

function brokenOff(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
}
