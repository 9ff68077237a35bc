/** Figures of a server of ours, that says where they are once it runs: until then there are none. */
import { Gauge, type Registry } from 'prom-client';

/** Name, help, and which of the figures it shows. */
export type FollowedGauge<F> = readonly [name: string, help: string, of: (figures: F) => number];

/** @returns to be called with where the figures are */
export function addFollowedGauges<F>(
  registry: Registry,
  gauges: readonly FollowedGauge<F>[],
): (figures: () => F) => void {
  let figures: (() => F) | undefined;
  for (const [name, help, of] of gauges) {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        if (figures === undefined) this.remove();
        else this.set(of(figures()));
      },
    });
  }
  return (source) => {
    figures = source;
  };
}
