/**
 * Promises without a stack trace. The SDK (1.24) makes an error for each promise of a workflow, to show
 * where it waits ("Stack Trace" in the Temporal UI, query `__stack_trace`): a quarter of the time that a
 * worker spends on sessions. A session waits in one place, so that place is not worth it.
 *
 * Evaluated once a thread, before the sandbox freezes its globals (`preloadModules`). The hook is the
 * only one that makes an error without any argument; it gets an object without a stack, and gives up,
 * as it does where promises cannot be traced at all. All other errors are as they were.
 */
const quiet: ErrorConstructor = new Proxy(globalThis.Error, {
  construct: (target, args: unknown[], newTarget) =>
    args.length === 0 && newTarget === quiet
      ? {}
      : (Reflect.construct(target, args, newTarget) as Error),
});
globalThis.Error = quiet;
