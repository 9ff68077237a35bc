/** The cheapest workflows that receive a batch and close: the yardstick. */
import { condition, defineSignal, setHandler } from '@temporalio/workflow';

export const batchSignal = defineSignal<[unknown]>('batch');

/** Gets its batch as an argument. */
export async function started(_batch: unknown): Promise<void> {
  // Nothing to do is all there is.
  await Promise.resolve();
}

/** Gets its batch as a signal. */
export async function signalled(): Promise<void> {
  let received = false;
  setHandler(batchSignal, () => {
    received = true;
  });
  await condition(() => received);
}
