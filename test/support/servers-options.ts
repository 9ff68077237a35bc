/** How tests start servers: quietly (LOG_LEVEL says otherwise), programs from the user's cache. */
import { cacheDir, processEnvironment } from '../../platform/config.ts';
import { createLog } from '../../platform/log.ts';
import { SERVER_NAMES, type ServerName, type StartOptions } from '../../servers/index.ts';
import { SEARCH_ATTRIBUTES } from '../../shared/search-attributes.ts';

export const TEST_NAMESPACE = 'sojourn-test';

/** What a test that calls `startServers` itself begins with. */
export function testStartOptions(dataDir: string, which = SERVER_NAMES): StartOptions {
  const env = processEnvironment();
  return {
    dataDir,
    cacheDir: cacheDir(env),
    which: new Set<ServerName>(which),
    namespace: TEST_NAMESPACE,
    searchAttributes: SEARCH_ATTRIBUTES,
    log: createLog({ level: env['LOG_LEVEL'] ?? 'silent', pretty: false }),
  };
}
