import type { KvEntry } from '@nats-io/kv';
import { expect } from 'chai';
import { pino } from 'pino';
import type { BucketWatch } from '../../platform/project-bucket.ts';
import type { BucketSource } from '../../platform/follow-bucket.ts';
import { followSettings } from '../../platform/project-settings.ts';
import { loadZones } from '../../platform/zones.ts';
import { DEFAULT_SETTINGS, encodeSettings } from '../../shared/project.ts';
import { eventually } from '../support/eventually.ts';

const { isZone } = loadZones();
const SOON = { withinMs: 2_000, everyMs: 5 };

interface Kept {
  readonly text: string | undefined;
  readonly revision: number;
}

/** A bucket in memory, with what may go wrong with one on a server. */
function aBucket() {
  let created = 'first';
  let lastRevision = 0;
  let failure: Error | undefined;
  const kept = new Map<string, Kept>();
  const open = new Set<{ push(entry: KvEntry): void; end(): void }>();
  const counts = { watches: 0 };

  const entryOf = (key: string, { text, revision }: Kept) =>
    ({
      key,
      revision,
      operation: text === undefined ? 'DEL' : 'PUT',
      string: () => text ?? '',
    }) as KvEntry;

  function aWatch(): BucketWatch {
    const queue: KvEntry[] = [];
    let wake: (() => void) | undefined;
    let isOver = false;
    const reader = {
      push(entry: KvEntry) {
        queue.push(entry);
        wake?.();
      },
      end() {
        isOver = true;
        wake?.();
      },
    };
    open.add(reader);
    counts.watches += 1;
    return {
      created,
      lastRevision,
      isEmpty: kept.size === 0,
      first: [...kept].map(([key, one]) => entryOf(key, one)),
      async next() {
        while (queue.length === 0 && !isOver) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        return queue.shift();
      },
      stop() {
        open.delete(reader);
        reader.end();
      },
    };
  }

  const answer = <T>(make: () => T) =>
    failure === undefined ? Promise.resolve(make()) : Promise.reject(failure);
  const source: BucketSource = {
    state: () => answer(() => ({ created, lastRevision, isEmpty: kept.size === 0 })),
    watch: () => answer(aWatch),
  };
  return {
    source,
    counts,
    get watching() {
      return open.size;
    },
    /** @param isTold whether the watch tells of it */
    put(key: string, text: string | undefined, isTold = true) {
      lastRevision += 1;
      kept.set(key, { text, revision: lastRevision });
      const entry = entryOf(key, { text, revision: lastRevision });
      if (isTold) for (const reader of open) reader.push(entry);
    },
    makeAnew() {
      created = 'second';
      lastRevision = 0;
      kept.clear();
    },
    fail(error: Error | undefined) {
      failure = error;
    },
  };
}

const currency = (code: string) => encodeSettings({ ...DEFAULT_SETTINGS, currency: code });

async function following(bucket: ReturnType<typeof aBucket>) {
  const lines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line: string) => lines.push(line) });
  const settings = await followSettings({ source: bucket.source, isZone, log, checkEveryMs: 20 });
  return {
    ...settings,
    of: (project: string) => settings.settingsOf(project).currency,
    logged: () => lines.join(''),
  };
}

describe('the settings of projects in a process that runs', () => {
  it('are all there at once, and the defaults for a project of which nobody has heard', async () => {
    const bucket = aBucket();
    bucket.put('shop', currency('EUR'));
    bucket.put('gone', undefined);

    const settings = await following(bucket);

    expect(settings.of('shop')).to.equal('EUR');
    expect(settings.settingsOf('gone')).to.equal(DEFAULT_SETTINGS);
    expect(settings.settingsOf('constructor')).to.equal(DEFAULT_SETTINGS);
    await settings.stop();
    expect(bucket.watching).to.equal(0);
  });

  it('follow a change, and stay the same object where nothing is different', async () => {
    const bucket = aBucket();
    bucket.put('shop', currency('EUR'));
    const settings = await following(bucket);
    const before = settings.settingsOf('shop');

    bucket.put('shop', currency('EUR'));
    bucket.put('other', currency('USD'));
    await eventually(() => {
      expect(settings.of('other')).to.equal('USD');
    }, SOON);
    expect(settings.settingsOf('shop')).to.equal(before);

    bucket.put('shop', currency('SEK'));
    await eventually(() => {
      expect(settings.of('shop')).to.equal('SEK');
    }, SOON);
    bucket.put('shop', undefined);
    await eventually(() => {
      expect(settings.settingsOf('shop')).to.equal(DEFAULT_SETTINGS);
    }, SOON);
    expect(bucket.counts.watches).to.equal(1);
    await settings.stop();
  });

  it('are found where the watch has missed a change', async () => {
    const bucket = aBucket();
    const settings = await following(bucket);

    bucket.put('shop', currency('EUR'), false);

    await eventually(() => {
      expect(settings.of('shop')).to.equal('EUR');
    }, SOON);
    expect(settings.logged()).to.match(/"project":"shop".*have changed/);
    expect(bucket.watching).to.equal(1);
    await settings.stop();
  });

  it('stay as last known while the bucket cannot be read, and follow again after it', async () => {
    const bucket = aBucket();
    bucket.put('shop', currency('EUR'));
    const settings = await following(bucket);

    bucket.fail(new Error('away'));
    await eventually(() => {
      expect(settings.logged()).to.contain('what was last set counts');
    }, SOON);
    expect(settings.of('shop')).to.equal('EUR');

    bucket.put('shop', currency('USD'), false);
    bucket.fail(undefined);
    await eventually(() => {
      expect(settings.of('shop')).to.equal('USD');
    }, SOON);
    expect(settings.logged()).to.contain('settings of projects can be read again');
    await settings.stop();
  });

  it('are those of a bucket that was made anew, and the log says which are lost', async () => {
    const bucket = aBucket();
    bucket.put('shop', currency('EUR'));
    bucket.put('blog', currency('EUR'));
    const settings = await following(bucket);

    bucket.makeAnew();
    bucket.put('shop', currency('USD'), false);
    bucket.put('shop', currency('SEK'), false);

    await eventually(() => {
      expect(settings.of('shop')).to.equal('SEK');
    }, SOON);
    expect(settings.settingsOf('blog')).to.equal(DEFAULT_SETTINGS);
    expect(settings.logged()).to.match(/"lost":\["blog"\].*another one than before/);
    await settings.stop();
  });

  it('are watched anew when a lost connection is back', async () => {
    const bucket = aBucket();
    const settings = await following(bucket);

    settings.renew();

    await eventually(() => {
      expect(bucket.counts.watches).to.equal(2);
    }, SOON);
    expect(bucket.watching).to.equal(1);
    await settings.stop();
  });

  it('have the default for what breaks a rule, with a line in the log', async () => {
    const bucket = aBucket();
    bucket.put('shop', '{"currency":7,"timeZone":"Europe/Berlin"}');

    const settings = await following(bucket);

    expect(settings.settingsOf('shop')).to.deep.equal({
      ...DEFAULT_SETTINGS,
      timeZone: 'Europe/Berlin',
    });
    expect(settings.logged()).to.match(/"project":"shop".*currency must be a text.*break rules/);
    await settings.stop();
  });

  it('fail at the start where there is no bucket to read', async () => {
    const bucket = aBucket();
    bucket.fail(new Error('no bucket'));

    const error = await following(bucket).catch((thrown: unknown) => thrown as Error);

    expect(error).to.have.property('message', 'no bucket');
  });
});
