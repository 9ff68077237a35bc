/** Certificates and keys out of the files that the configuration names. */
import { readFileSync } from 'node:fs';

/** Paths; undefined for what is not set. */
export interface TlsPaths {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** What the files hold, as Node's TLS takes it. @throws what reading a file throws */
export function readTlsFiles({ ca, cert, key }: TlsPaths) {
  return {
    ...(ca !== undefined && { ca: readFileSync(ca) }),
    ...(cert !== undefined && { cert: readFileSync(cert) }),
    ...(key !== undefined && { key: readFileSync(key) }),
  };
}
