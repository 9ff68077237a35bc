/** An authority of the tests' own, and certificates from it. They are worth nothing outside of a test's folder. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

export interface Authority extends CertificateFiles {
  /** @param names such as `DNS:localhost` */
  issue(name: string, names: readonly string[]): CertificateFiles;
}

/** @param name of its files, and in its certificate */
export function makeAuthority(folder: string, name: string): Authority {
  const own = make(folder, name, ['-addext', 'basicConstraints=critical,CA:TRUE']);
  return {
    ...own,
    issue: (issued, names) =>
      make(folder, issued, [
        ...['-CA', own.cert, '-CAkey', own.key],
        ...['-addext', `subjectAltName=${names.join(',')}`],
        ...['-addext', 'basicConstraints=critical,CA:FALSE'],
      ]),
  };
}

function make(folder: string, name: string, more: readonly string[]): CertificateFiles {
  const files = { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-days', '2', '-subj', `/CN=${name}`, '-keyout', files.key, '-out', files.cert],
      ...more,
    ],
    { stdio: 'pipe' },
  );
  return files;
}
