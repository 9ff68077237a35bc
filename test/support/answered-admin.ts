/** An admin of ClickHouse for what asks it one question, where no server is needed to try what becomes of the answer. */
import { type ClickHouseClient, ClickHouseError } from '@clickhouse/client';

/** @param answer the rows, or a throw, of every question */
export function answeredAdmin(answer: () => readonly object[]): ClickHouseClient {
  return {
    query: () =>
      Promise.resolve()
        .then(answer)
        .then((rows) => ({ json: () => Promise.resolve(rows) })),
  } as unknown as ClickHouseClient;
}

/** An answer that refuses. */
export function refusal(code: string): () => never {
  return () => {
    throw new ClickHouseError({ message: 'no', code, type: 'OF_A_TEST' });
  };
}
