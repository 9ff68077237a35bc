/** A rule that something from outside breaks, in words that people read. */
export class Fault {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}
