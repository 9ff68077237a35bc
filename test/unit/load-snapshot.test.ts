import { expect } from 'chai';
import { snapshotUnlessLost } from '../../activities/load-snapshot.ts';
import type { SessionSnapshot } from '../../shared/actor.ts';
import { toError } from '../../shared/errors.ts';

const UNKNOWN = new Error('workflow not found');
const AWAY = new Error('unavailable');
const SNAPSHOT = { writeNo: 7 } as SessionSnapshot;

/** Answers one after the other, the last one for ever. */
function asked(...answers: readonly (Error | SessionSnapshot)[]) {
  let asks = 0;
  const pauses: number[] = [];
  const found = snapshotUnlessLost(
    () => {
      const answer = answers[Math.min(asks, answers.length - 1)];
      asks += 1;
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer ?? SNAPSHOT);
    },
    (error) => error === UNKNOWN,
    (ms) => {
      pauses.push(ms);
      return Promise.resolve();
    },
  );
  return found.then(
    (snapshot) => ({ snapshot, asks, pauses }),
    (error: unknown) => ({ error: toError(error), asks, pauses }),
  );
}

describe('what another run of a session knew', () => {
  it('is lost where Temporal has said five times that there was none, and no sooner', async () => {
    const pauses = [2_500, 2_500, 2_500, 2_500];
    expect(await asked(UNKNOWN)).to.deep.equal({ snapshot: null, asks: 5, pauses });
    const late = await asked(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, SNAPSHOT);
    expect(late).to.deep.equal({ snapshot: SNAPSHOT, asks: 5, pauses });
  });

  it('is not given up for a server that is away, however often it was before', async () => {
    const answers = [UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, AWAY];
    expect(await asked(...answers)).to.include({ error: AWAY, asks: 5 });
  });
});
