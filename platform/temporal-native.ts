/**
 * The connection of long-running processes: half the CPU a call, and shared with the worker for
 * eager starts. A module of its own, because commands do without the native library it loads.
 */
import { Client } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { connectionOptions, type TemporalConfig } from './temporal.ts';

/** @throws what the library throws where no server answers */
export async function connectTemporalNative(
  config: TemporalConfig,
): Promise<{ client: Client; connection: NativeConnection }> {
  const connection = await NativeConnection.connect(connectionOptions(config));
  return { connection, client: new Client({ connection, namespace: config.TEMPORAL_NAMESPACE }) };
}
