/** A thread of our own, from sources or from what was built of them. */
import { Worker as Thread } from 'node:worker_threads';

/**
 * From sources the thread has to learn TypeScript first: it does not inherit that from its parent.
 * @param script its address without the ending, as `new URL('./sandbox-thread', import.meta.url)` makes it
 * @param from the address of whoever asks
 */
export function startThread(script: URL, from: string, workerData: unknown): Thread {
  if (!from.endsWith('.ts')) return new Thread(new URL(`${script.href}.js`), { workerData });
  const tsx = import.meta.resolve('tsx/esm/api');
  const code = `import('${tsx}').then(({ register }) => (register(), import('${script.href}.ts')))`;
  return new Thread(code, { eval: true, workerData });
}
