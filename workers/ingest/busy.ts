/** Whether deliveries or tasks are under way: looked at while they are, since nobody tells of the end of the last one. */

/** Fine enough for what takes a part of a pulse, and nothing beside the work that is done meanwhile. */
const LOOK_EVERY_MS = 20;

export interface BusyWatch {
  /** Something may be under way from now on. */
  look(): void;
  stop(): void;
}

/** @param tell told again and again while it is busy, and once when it is not any more */
export function watchBusy(isBusy: () => boolean, tell: (isBusy: boolean) => void): BusyWatch {
  let timer: NodeJS.Timeout | undefined;
  function look(): void {
    const isSo = isBusy();
    tell(isSo);
    timer = isSo ? setTimeout(look, LOOK_EVERY_MS) : undefined;
  }
  return {
    look() {
      if (timer === undefined) look();
    },
    stop() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
