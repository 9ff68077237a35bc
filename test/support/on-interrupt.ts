/** What has to be undone when the run is interrupted: by a signal, or because its parent is gone. */

const DEADLINE_MS = 15_000;
const steps = new Set<() => Promise<void>>();

/** A step may be taken when there is nothing left for it to do. */
export function onInterrupt(step: () => Promise<void>): void {
  steps.add(step);
}

/** The steps run at the same time, then those of `process.on('exit')`. A second signal waits for nothing. */
export function listenForInterrupts(): void {
  let interrupted = false;
  const interrupt = (code: number) => {
    if (interrupted) process.exit(code);
    interrupted = true;
    setTimeout(() => process.exit(code), DEADLINE_MS);
    const undone = Promise.allSettled([...steps].map((step) => step()));
    undone.finally(() => process.exit(code)).catch(() => undefined);
  };
  process.on('SIGINT', () => {
    interrupt(130);
  });
  process.on('SIGTERM', () => {
    interrupt(143);
  });
  process.once('disconnect', () => {
    interrupt(143);
  });
  // Listening must not keep a run from its end.
  process.channel?.unref();
}
