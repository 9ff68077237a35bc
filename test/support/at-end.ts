/** What a run puts away at its end: by a hook of the whole run, or by the lane that ran many files one after the other. */

const STEP_MS_MAX = 60_000;
const steps: (() => Promise<void>)[] = [];

/** Steps run in reverse, and each once. */
export function atEnd(step: () => Promise<void>): void {
  steps.push(step);
}

/** @throws what failed, or that a step does not end */
export async function endRun(): Promise<void> {
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) await inTime(step());
}

async function inTime(step: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`what a run puts away at its end takes over ${STEP_MS_MAX} ms`));
    }, STEP_MS_MAX);
  });
  try {
    await Promise.race([step, late]);
  } finally {
    clearTimeout(timer);
  }
}
