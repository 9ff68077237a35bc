/** Who is told of the requests that a server of ours has answered, for its metrics: on their way, so it is cheap and throws nothing. */
export interface RequestWatch {
  /**
   * A request was answered.
   * @param of what it was for: a tracker, a route; of a few that are known
   */
  answered(of: string, status: number, tookMs: number): void;
}
