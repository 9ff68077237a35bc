/** A few places for work that must not take those of other work: what waits for one waits in order. */

export interface Apart<T> {
  add(item: T): void;
  /** Items that wait or are being worked on. */
  readonly size: number;
}

/** @param work never rejects */
export function createApart<T>(places: number, work: (item: T) => Promise<void>): Apart<T> {
  const queue: T[] = [];
  let underWay = 0;
  const next = (): void => {
    if (underWay >= places) return;
    const item = queue.shift();
    if (item === undefined) return;
    underWay += 1;
    const done = () => {
      underWay -= 1;
      next();
    };
    work(item).then(done, done);
    next();
  };
  return {
    add(item) {
      queue.push(item);
      next();
    },
    get size() {
      return queue.length + underWay;
    },
  };
}
