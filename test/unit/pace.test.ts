import { expect } from 'chai';
import { createPace as createPaceOf } from '../../workers/ingest/pace.ts';

const createPace = (load: () => number, places = 16) =>
  createPaceOf({ load, places: () => places });

describe('the pace of ingest', () => {
  it('is that of deliveries alone where nobody knows of a worker', () => {
    const pace = createPace(() => 100, Infinity);

    expect(pace.mayGo(0, 0)).to.equal(true);
    expect(pace.mayGo(31, 0)).to.equal(true);
    expect(pace.askAgainAt(31, 0)).to.equal(0);
  });

  it('is not that of a crowd, and is looked at again in a moment', () => {
    let load = 20;
    const pace = createPace(() => load);

    expect(pace.mayGo(0, 1_000)).to.equal(false);
    expect(pace.askAgainAt(0, 1_000)).to.equal(1_004);

    load = 3;
    expect(pace.mayGo(2, 1_004)).to.equal(true);
    expect(pace.askAgainAt(3, 1_004)).to.equal(1_004);
  });

  it('counts deliveries and tasks together', () => {
    const pace = createPace(() => 10);

    expect(pace.mayGo(5, 0)).to.equal(true);
    expect(pace.mayGo(6, 0)).to.equal(false);
  });

  it('goes on slowly where the worker is stuck', () => {
    const pace = createPace(() => 100);
    const went: number[] = [];

    for (let now = 0; now <= 400; now += 4) if (pace.mayGo(0, now)) went.push(now);

    expect(went).to.deep.equal([300, 320, 340, 360, 380, 400]);
  });

  it('holds up anew after the worker has got further once', () => {
    let load = 100;
    const pace = createPace(() => load);
    pace.mayGo(0, 0);
    load = 0;
    pace.mayGo(0, 200);
    load = 100;

    expect(pace.mayGo(0, 310)).to.equal(false);
    expect(pace.mayGo(0, 610)).to.equal(true);
  });

  it('waits for an end where as many deliveries are under way as may be', () => {
    const pace = createPace(() => 0);

    expect(pace.mayGo(32, 0)).to.equal(false);
    expect(pace.askAgainAt(32, 0)).to.equal(Infinity);
  });
});
