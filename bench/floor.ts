/** The yardstick: no part of Sojourn, the same engine. */
import { type Measurement, measurement } from './pass-through.ts';
import { cpuBetween, cpuMs } from './processes.ts';
import { until } from './until.ts';
import type { World } from './world.ts';

export type FloorMode = 'start' | 'signal' | 'label' | 'host';

export interface Floor {
  /**
   * So many workflows that get a batch of so many events and close.
   * @param mode how they get it; `label`: as `start`, with the search attributes of a session; `host`: as
   *   `start`, in a worker that is not the SDK's as it comes, but as ours is
   */
  round(sessions: number, events: number, mode: FloorMode): Promise<Measurement>;
  stop(): Promise<void>;
}

/** Starts its process; it stays, as ours does, so that both have their code compiled alike. */
export async function startFloor(world: World): Promise<Floor> {
  const script = new URL('floor-process.ts', import.meta.url).pathname;
  const floor = await world.start([script], 'ready');
  const pids = { ...world.pids, node: floor.pid };
  let rounds = 0;
  return {
    async round(sessions, events, mode) {
      rounds += 1;
      const end = new RegExp(`end ${rounds} ([\\d.]+)`);
      const begin = cpuMs(pids);
      floor.tell(`${sessions} ${events} ${mode}`);
      await until('the end of the floor', () => Promise.resolve(end.test(floor.log())), {
        everyMs: 20,
      });
      const cpu = cpuBetween(begin, cpuMs(pids));
      return measurement(sessions, Number(end.exec(floor.log())?.[1]), cpu);
    },
    stop: () => floor.stop(),
  };
}
