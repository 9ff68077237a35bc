import { expect } from 'chai';
import { silentLog } from '../../platform/log.ts';
import { hasEarlierLimits, readerSettings, serverSize } from '../../platform/reader-limits.ts';
import { answeredAdmin, refusal } from '../support/answered-admin.ts';

const GIB = 1024 ** 3;

const denied = refusal('497');

describe('the limits of users who read', () => {
  it('are a maximum for each of time, memory and threads, by what the server has', () => {
    expect(readerSettings({ memoryBytes: 8 * GIB, threads: 16 })).to.equal(
      'readonly = 2, max_execution_time = 120 MIN 1 MAX 600, max_memory_usage = 4294967296 MIN 1 MAX 4294967296, max_threads MAX 16',
    );
  });

  it('are those of time where nothing else is known', async () => {
    for (const answer of [denied, () => [], () => [{ memory: null, threads: 0 }]]) {
      const size = await serverSize(answeredAdmin(answer));
      expect(readerSettings(size)).to.equal('readonly = 2, max_execution_time = 120 MIN 1 MAX 600');
    }
  });

  it('replace those of earlier versions, and nothing that an operator has given', async () => {
    const free = { min: null, max: null, profile: null };
    const readonly = { ...free, name: 'readonly', value: '2' };
    const time = { ...free, name: 'max_execution_time', value: '120', min: '1', max: '600' };
    for (const [rows, isEarlier] of [
      [[readonly], true],
      [[readonly, time], true],
      [[], false],
      [[readonly, { ...time, value: '3600' }], false],
      [[readonly, { ...time, max: '3600' }], false],
      [[readonly, { ...time, min: null, max: null }], false],
      [[readonly, { ...free, name: 'max_threads', value: null }], false],
      [[readonly, { ...free, name: null, value: null, profile: 'theirs' }], false],
      [[{ ...readonly, value: '1' }], false],
    ] as const) {
      const has = await hasEarlierLimits(
        answeredAdmin(() => rows),
        'bi',
        silentLog,
      );
      expect(has, JSON.stringify(rows)).to.equal(isEarlier);
    }
    expect(await hasEarlierLimits(answeredAdmin(denied), 'bi', silentLog)).to.equal(false);
  });
});
