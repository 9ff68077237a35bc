import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { stepsInWords } from '../../cli/migrate-and-say.ts';
import { whileUnderWay } from '../../cli/progress.ts';
import { createLog } from '../../platform/log.ts';
import { eventually } from '../support/eventually.ts';

const WITHIN = { withinMs: 20_000, everyMs: 20 };

/** Runs something with standard error as a terminal, or as none. @returns all that was written there */
async function written(
  isTTY: boolean,
  work: (soFar: () => string) => Promise<unknown>,
): Promise<string> {
  const { stderr } = process;
  const kept = (['isTTY', 'write'] as const).map(
    (name) => [name, Object.getOwnPropertyDescriptor(stderr, name)] as const,
  );
  let text = '';
  const write = (part: string | Uint8Array) => {
    text += String(part);
    return true;
  };
  Object.defineProperty(stderr, 'isTTY', { value: isTTY, configurable: true });
  Object.defineProperty(stderr, 'write', { value: write, configurable: true, writable: true });
  try {
    await work(() => text);
  } finally {
    for (const [name, descriptor] of kept) {
      Reflect.deleteProperty(stderr, name);
      if (descriptor !== undefined) Object.defineProperty(stderr, name, descriptor);
    }
  }
  return text;
}

describe('what is under way', () => {
  it('is shown on a terminal once it takes longer than a second, with what is done now', async () => {
    const text = await written(true, (soFar) =>
      whileUnderWay('migrating', async ({ note }) => {
        note('streams');
        await sleep(300);
        expect(soFar()).to.equal('');
        await eventually(() => {
          expect(soFar()).to.contain('migrating streams');
        }, WITHIN);
        note('time zones');
        await eventually(() => {
          expect(soFar()).to.contain('migrating time zones');
        }, WITHIN);
      }),
    );

    // The line is taken away in the end.
    expect(text.endsWith('\u001b[2K'), JSON.stringify(text.slice(-40))).to.equal(true);
  });

  it('is not shown on a pipe, nor where a program reads what comes of it', async () => {
    const work = () => whileUnderWay('migrating', () => sleep(1_500));
    const forProgram = () => whileUnderWay('migrating', () => sleep(1_500), { json: true });

    expect(await written(false, work)).to.equal('');
    expect(await written(true, forProgram)).to.equal('');
  });

  it('makes room for lines of the log, and comes back', async () => {
    await written(true, (soFar) =>
      whileUnderWay('migrating', async ({ aside }) => {
        const log = createLog({
          ...{ level: 'info', pretty: true },
          write: (lines) => {
            aside(() => process.stderr.write(lines));
          },
        });
        await eventually(() => {
          expect(soFar()).to.contain('migrating');
        }, WITHIN);
        log.info({ migration: '001-metrics.sql' }, 'migration applied');
        await eventually(() => {
          const [before = '', after] = soFar().split('migration applied');
          // Its line begins where the other one was taken away.
          expect(before).to.match(/\u001b\[2K[^\n\u001b]*(?:\u001b\[\d+m[^\n\u001b]*)*$/);
          expect(after).to.contain('migrating');
        }, WITHIN);
      }),
    );
  });
});

describe('what migrate does now', () => {
  it('is all parts that are under way, side by side', () => {
    const said: string[] = [];
    const onStep = stepsInWords((what) => said.push(what));

    onStep('NATS', 'streams');
    onStep('ClickHouse', 'database');
    onStep('ClickHouse', '011-overviews.sql (11 of 27)');
    onStep('NATS', undefined);
    onStep('ClickHouse', undefined);

    expect(said).to.deep.equal([
      'NATS: streams',
      'NATS: streams, ClickHouse: database',
      'NATS: streams, ClickHouse: 011-overviews.sql (11 of 27)',
      'ClickHouse: 011-overviews.sql (11 of 27)',
      '',
    ]);
  });
});
