/** The first Ctrl-C ends a command in good order; the second ends the process. */
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

export function onInterrupt(call: () => void): { stop(): void } {
  const stop = () => {
    for (const signal of SIGNALS) process.off(signal, handle);
  };
  const handle = () => {
    stop();
    call();
  };
  for (const signal of SIGNALS) process.on(signal, handle);
  return { stop };
}
