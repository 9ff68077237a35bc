import { expect } from 'chai';
import {
  type Outcome,
  outcomeOf,
  outcomeOfOther,
  PATIENCE_MS,
  sharedPatience,
} from '../../operations/outcome.ts';

const never = () => new Promise<never>(() => undefined);
const WELL: Outcome<string> = { ok: true, value: 'well' };
const AWAY: Outcome<string> = { ok: false, error: 'away' };

describe('what comes of a question', () => {
  it('is its answer, or why there is none', async () => {
    expect(await outcomeOf(() => Promise.resolve(1))).to.deep.equal({ ok: true, value: 1 });
    const failed = await outcomeOf(() => Promise.reject(new Error('it is away')));
    expect(failed).to.deep.equal({ ok: false, error: 'it is away' });
    const late = await outcomeOf(never, 5);
    expect(late).to.deep.equal({ ok: false, error: 'no answer within 5 s' });
  });
});

describe('somebody else', () => {
  const other = () => Promise.resolve('other');

  it('is not asked where the first one answers soon', async () => {
    let asked = 0;
    const outcome = await outcomeOfOther(Promise.resolve(WELL), () => Promise.resolve(++asked));

    expect([outcome, asked]).to.deep.equal([undefined, 0]);
  });

  it('is asked at once where the first one fails', async () => {
    const startedAt = performance.now();
    const outcome = await outcomeOfOther(Promise.resolve(AWAY), other);

    expect(outcome).to.deep.equal({ ok: true, value: 'other' });
    expect(performance.now() - startedAt).to.be.below(500);
  });

  it('is asked beside a first one that is silent, long before the patience for that is over', async () => {
    const startedAt = performance.now();
    const outcome = await outcomeOfOther(never(), other);

    expect(outcome).to.deep.equal({ ok: true, value: 'other' });
    expect(performance.now() - startedAt).to.be.below(PATIENCE_MS / 2);
  });
});

describe('questions that share their patience', () => {
  it('take no longer than one, however many are silent', async () => {
    const startedAt = performance.now();
    const outcome = sharedPatience(300);
    const outcomes = [await outcome(never), await outcome(never)];

    expect(outcomes.map(({ ok }) => ok)).to.deep.equal([false, false]);
    expect(performance.now() - startedAt).to.be.below(600);
  });
});
