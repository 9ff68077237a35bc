/**
 * The Temporal library's own figures: it serves them to Prometheus itself, on a port that only this machine reaches,
 * and `/metrics` passes them on.
 */
import type { TelemetryOptions } from '@temporalio/worker';
import { freePort } from '../../servers/ports.ts';

/** Asks for them, as text; fails where they cannot be had. */
export type SdkMetrics = () => Promise<string>;

const ASK_MS_MAX = 2_000;
/** Another process may take a free port before it is used. */
const TRIES_MAX = 3;
const TAKEN = /address already in use/i;

/**
 * @param install given what belongs into the library's options
 * @throws what `install` throws
 */
export async function installWithMetrics(
  install: (metrics: NonNullable<TelemetryOptions['metrics']>) => void,
): Promise<SdkMetrics> {
  for (let attempt = 1; ; attempt += 1) {
    const address = `127.0.0.1:${await freePort()}`;
    try {
      // By the names that Temporal's own dashboards have.
      install({ prometheus: { bindAddress: address } });
    } catch (error) {
      if (attempt < TRIES_MAX && TAKEN.test(String(error))) continue;
      throw error;
    }
    return async () => {
      const answer = await fetch(`http://${address}/metrics`, {
        signal: AbortSignal.timeout(ASK_MS_MAX),
      });
      if (!answer.ok) throw new Error(`the Temporal library answered ${answer.status}`);
      return answer.text();
    };
  }
}
