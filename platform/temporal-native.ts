/**
 * The connection of long-running processes: half the CPU a call, and shared with the worker for
 * eager starts. A module of its own, because commands do without the native library it loads.
 */
import { Client } from '@temporalio/client';
import { type DataConverter, defaultDataConverter } from '@temporalio/common';
import { NativeConnection } from '@temporalio/worker';
import { payloadConverter } from '../workflows/payload-converter.ts';
import { connectionOptions, expectLogin, temporalProbe, type TemporalConfig } from './temporal.ts';
import { unreachable } from './unreachable.ts';

/**
 * @param identity as which its histories name what is done; absent: process and host
 * @throws SojournError `SJ_SERVER_UNREACHABLE`
 */
export async function connectTemporalNative(
  config: TemporalConfig,
  identity?: string,
): Promise<{ client: Client; connection: NativeConnection }> {
  const options = connectionOptions(config);
  const connection = await NativeConnection.connect({
    ...options,
    // A server that is talked to in plain text is near: there, bytes cost less than pressing them.
    ...(options.tls === false && { grpcCompression: { codec: 'none' } as const }),
  }).catch(unreachable('Temporal', config.TEMPORAL_ADDRESS, temporalProbe(config)));
  await expectLogin(connection, config);
  const client = new Client({
    connection,
    namespace: config.TEMPORAL_NAMESPACE,
    ...(identity !== undefined && { identity }),
    // The client takes a converter as it is, though its types know of a path to one only.
    dataConverter: { ...defaultDataConverter, payloadConverter } as DataConverter,
  });
  return { connection, client };
}
