import { expect } from 'chai';
import { createLooker, type Look } from '../../health/look.ts';
import { createMetrics } from '../../health/metrics.ts';
import { troublesOf } from '../../health/readiness.ts';
import { labelOfReason } from '../../health/reasons.ts';
import type { Flow, Status } from '../../operations/observe.ts';

const UP = { reachable: true, url: '', latencyMs: 1 } as const;
const STATUS: Status = {
  servers: { nats: UP, temporal: UP, clickhouse: UP, redis: UP },
  events: { pending: 3, unacknowledged: 2 },
  sessions: { open: 7 },
  differences: { pending: 1 },
  deadLetters: 0,
  deadLettersByProject: {},
};
const LOOK: Look = {
  status: STATUS,
  oldestUnloadedMs: 1_500,
  redelivered: 0,
  imports: 2,
  isPaused: false,
};
const imports = () => Promise.resolve(2);

function away(...names: readonly (keyof Status['servers'])[]): Look {
  const gone = { reachable: false, url: 'h:1', error: 'it does not answer' } as const;
  const servers = { ...STATUS.servers, ...Object.fromEntries(names.map((name) => [name, gone])) };
  return { ...LOOK, status: { ...STATUS, servers } };
}

describe('health: readiness', () => {
  const both = { ingest: true, worker: true };

  it('has no troubles where all servers answer', () => {
    expect(troublesOf(LOOK, both)).to.deep.equal([]);
  });

  it('names each server that is away and is needed', () => {
    expect(troublesOf(away('nats', 'redis'), both)).to.deep.equal([
      'NATS: it does not answer',
      'Redis: it does not answer',
    ]);
    expect(troublesOf(away('clickhouse', 'redis'), { ingest: true, worker: false })).to.deep.equal(
      [],
    );
  });

  it('says what to set where a server is there and refuses', () => {
    const refused = { reachable: false, error: 'NATS at h:1: no', fault: 'login' } as const;
    const servers = { ...STATUS.servers, nats: refused };
    const look = { ...LOOK, status: { ...STATUS, servers } };
    expect(troublesOf(look, both)).to.deep.equal(['NATS at h:1: no']);
  });

  it('tells of a consumer that somebody has paused, where it is needed', () => {
    const paused = { ...LOOK, isPaused: true };
    expect(troublesOf(paused, both)).to.deep.equal(['the consumer of EVENTS is paused']);
    expect(troublesOf(paused, { ingest: false, worker: true })).to.deep.equal([]);
  });
});

describe('health: what the servers say', () => {
  it('is asked once for all who want to know within a moment', async () => {
    let asked = 0;
    let now = 0;
    const looker = createLooker(
      {
        status: () => {
          asked += 1;
          return Promise.resolve(STATUS);
        },
        flow: () => Promise.resolve<Flow>({ oldestAt: -2_000, redelivered: 1, isPaused: false }),
        imports,
      },
      () => now,
    );
    const looks = await Promise.all([looker.look(), looker.look()]);
    expect(looks.map(({ oldestUnloadedMs }) => oldestUnloadedMs)).to.deep.equal([2_000, 2_000]);
    expect(asked).to.equal(1);
    // A trouble that began just after they were asked is told by whoever asks three seconds later.
    now = 3_000;
    await looker.look();
    expect(asked).to.equal(1);
    now = 3_001;
    await looker.look();
    expect(asked).to.equal(2);
  });

  it('is known as far as they answer', async () => {
    const fails = () => Promise.reject(new Error('away'));
    const looker = createLooker(
      { status: () => Promise.resolve(STATUS), flow: fails, imports: fails },
      () => 0,
    );
    expect(await looker.look()).to.deep.equal({
      status: STATUS,
      oldestUnloadedMs: null,
      redelivered: null,
      imports: null,
      isPaused: false,
    });
  });
});

describe('health: a consumer that is paused', () => {
  it('is known where nobody knows what is in ClickHouse', async () => {
    const flow = () => Promise.resolve<Flow>({ oldestAt: null, redelivered: 4, isPaused: true });
    const looker = createLooker({ status: () => Promise.resolve(STATUS), flow, imports }, () => 0);

    const { oldestUnloadedMs, redelivered, isPaused } = await looker.look();

    expect({ oldestUnloadedMs, redelivered, isPaused }).to.deep.equal({
      oldestUnloadedMs: null,
      redelivered: 4,
      isPaused: true,
    });
  });
});

describe('health: metrics', () => {
  it('counts what passes, and shows what servers say', async () => {
    const metrics = createMetrics({ looker: { look: () => Promise.resolve(LOOK) } });
    metrics.watch.delivered('started', 20);
    metrics.watch.deliveryFailed();
    metrics.watch.deadLetter('shop', 'sessionId is required');
    metrics.watch.loaded(12, 80);
    metrics.watch.loadRepeated();
    metrics.watch.sessionEnded('idle');
    metrics.watch.sessionEnded('idle');
    metrics.follow({
      figures: {
        messages: 5,
        events: 6,
        forgotten: 2,
        deadLetters: 1,
        started: 2,
        signalled: 3,
        reopened: 1,
        known: 0,
      },
      heldByProject: new Map([['shop', 4]]),
      longestFailingMs: 61_500,
    });
    const lines = (await metrics.text()).split('\n');
    expect(lines).to.include.members([
      'sojourn_delivery_duration_seconds_count{how="started"} 1',
      'sojourn_delivery_failures_total 1',
      'sojourn_dead_letters_total{project="shop",reason="sessionId"} 1',
      'sojourn_load_records_sum 12',
      'sojourn_load_retries_total 1',
      'sojourn_sessions_ended_total{reason="idle"} 2',
      'sojourn_imports_running 2',
      'sojourn_ingest_messages_total 5',
      'sojourn_forgotten_events_total 2',
      'sojourn_sessions_started_total 2',
      'sojourn_held_events{project="shop"} 4',
      'sojourn_longest_failing_session_seconds 61.5',
      'sojourn_oldest_unloaded_event_age_seconds 1.5',
      'sojourn_sessions_open 7',
      'sojourn_server_up{server="redis"} 1',
    ]);
  });

  it('tells which parts run, and that none does while it starts or stops', async () => {
    let isRunning = false;
    const parts = ['ingest', 'collect'];
    const metrics = createMetrics({ collect: true, parts, isRunning: () => isRunning });
    const told = async () =>
      (await metrics.text()).split('\n').filter((line) => line.startsWith('sojourn_part_running{'));

    expect(await told()).to.deep.equal([
      'sojourn_part_running{part="ingest"} 0',
      'sojourn_part_running{part="collect"} 0',
    ]);
    isRunning = true;
    expect(await told()).to.deep.equal([
      'sojourn_part_running{part="ingest"} 1',
      'sojourn_part_running{part="collect"} 1',
    ]);
  });

  it('tells of no sessions that fail where it takes no events', async () => {
    const metrics = createMetrics({ looker: { look: () => Promise.resolve(LOOK) } });

    expect(await metrics.text()).not.to.match(/^sojourn_longest_failing_session_seconds /m);
  });

  it('leaves out what nobody knows', async () => {
    const look: Look = { ...away('temporal'), oldestUnloadedMs: null };
    const unknown: Look = { ...look, status: { ...look.status, sessions: { open: null } } };
    const metrics = createMetrics({ looker: { look: () => Promise.resolve(unknown) } });
    const lines = (await metrics.text()).split('\n').filter((line) => !line.startsWith('#'));
    expect(lines).to.include('sojourn_server_up{server="temporal"} 0');
    expect(lines.filter((line) => /^sojourn_(sessions_open|oldest)/.test(line))).to.deep.equal([]);
  });

  it('calls no server away that the process has no address of', async () => {
    const unset = { reachable: false, error: 'REDIS_URL is not set' } as const;
    const servers = { ...away('clickhouse').status.servers, redis: unset };
    const look: Look = { ...LOOK, status: { ...STATUS, servers } };
    const metrics = createMetrics({ looker: { look: () => Promise.resolve(look) } });
    const lines = (await metrics.text()).split('\n');

    expect(lines.filter((line) => line.startsWith('sojourn_server_up{'))).to.have.members([
      'sojourn_server_up{server="nats"} 1',
      'sojourn_server_up{server="temporal"} 1',
      'sojourn_server_up{server="clickhouse"} 0',
    ]);
  });

  it('has a bound on labels, whatever people publish', async () => {
    const metrics = createMetrics({ looker: { look: () => Promise.resolve(LOOK) } });
    for (let n = 0; n < 2_000; n += 1) metrics.watch.deadLetter(`p${n}`, `${n} is no event`);
    const lines = (await metrics.text()).split('\n');
    const letters = lines.filter((line) => line.startsWith('sojourn_dead_letters_total{'));
    expect(letters).to.have.lengthOf(501);
    expect(letters).to.include('sojourn_dead_letters_total{project="(other)",reason="other"} 1500');
  });

  it('tells what projects have used of their quotas, and of more than it has labels for the one that has used most', async () => {
    const quotas = Array.from({ length: 600 }, (_, n) => ({
      ...{ project: `p${n}`, messages: n, messagesMax: 1_000, bytes: 0, isUsedUp: n === 550 },
    }));
    const look: Look = { ...LOOK, status: { ...STATUS, quotas } };
    const metrics = createMetrics({ looker: { look: () => Promise.resolve(look) } });
    const lines = (await metrics.text()).split('\n');
    const used = lines.filter((line) => line.startsWith('sojourn_quota_used_ratio{'));

    expect(used).to.have.lengthOf(501);
    expect(used).to.include.members([
      'sojourn_quota_used_ratio{project="p250"} 0.25',
      'sojourn_quota_used_ratio{project="(other)"} 1',
    ]);
  });

  it('names what a reason is about', () => {
    expect(labelOfReason('timestamp must be at most 24 hours in the future')).to.equal('timestamp');
    expect(labelOfReason('header Nats-Msg-Id must be UTF-8')).to.equal('header');
    expect(labelOfReason('properties.revenue must be a number')).to.equal('properties.revenue');
    expect(labelOfReason('properties.x9 is odd')).to.equal('other');
    expect(labelOfReason('over quota: the project has had its 4MB of today')).to.equal('quota');
    expect(labelOfReason('')).to.equal('other');
  });

  it('counts what a collector takes and refuses, and has none of what the process does not do', async () => {
    const metrics = createMetrics({ collect: true });
    const { collect } = metrics;
    collect.watch.answered('plausible', 202, 3);
    collect.watch.taken('plausible', 2);
    collect.watch.refused('segment', 'key');
    collect.watch.refused('segment', 'malformed', 4);
    expect(await metrics.text()).not.to.match(/^sojourn_collect_waiting_requests /m);
    collect.follow(() => ({
      ...{ requests: 5, events: 6, bytes: 700 },
      ...{ isNatsConnected: false, isRedisConnected: true },
    }));
    const lines = (await metrics.text()).split('\n');
    expect(lines).to.include.members([
      'sojourn_collect_requests_total{tracker="plausible",status="202"} 1',
      'sojourn_collect_request_duration_seconds_bucket{le="0.005",tracker="plausible"} 1',
      'sojourn_collect_events_total{tracker="plausible"} 2',
      'sojourn_collect_refused_total{tracker="segment",reason="key"} 1',
      'sojourn_collect_refused_total{tracker="segment",reason="malformed"} 4',
      'sojourn_collect_waiting_requests 5',
      'sojourn_collect_nats_connected 0',
      'sojourn_collect_redis_connected 1',
    ]);
    expect(lines.join('\n')).not.to.match(/sojourn_(ingest|dashboard|server)_/);
  });

  it('has no duration of a stream that stays open', async () => {
    const metrics = createMetrics({ dashboard: true });
    const { page } = metrics;
    page.watch.answered('/api/live', 200, 3_600_000);
    page.watch.answered('/api/now', 200, 2);
    const lines = (await metrics.text()).split('\n');
    expect(lines).to.include('sojourn_dashboard_requests_total{route="/api/live",status="200"} 1');
    expect(lines).to.include(
      'sojourn_dashboard_request_duration_seconds_count{route="/api/now"} 1',
    );
    expect(lines.filter((line) => /duration.*live/.test(line))).to.deep.equal([]);
  });
});
