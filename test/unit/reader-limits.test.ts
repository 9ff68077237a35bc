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
    const readonly = { name: 'readonly', value: '2', profile: null };
    const time = { name: 'max_execution_time', value: '120', profile: null };
    for (const [rows, isEarlier] of [
      [[readonly], true],
      [[readonly, time], true],
      [[], false],
      [[readonly, { ...time, value: '3600' }], false],
      [[readonly, { name: 'max_threads', value: null, profile: null }], false],
      [[readonly, { name: null, value: null, profile: 'theirs' }], false],
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
