/** An authority of the tests' own, and certificates from it. They are worth nothing outside of a test's folder. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

export interface Authority extends CertificateFiles {
  /**
   * @param names such as `DNS:localhost`
   * @param valid in days from now; absent: from now on
   */
  issue(name: string, names: readonly string[], valid?: Valid): CertificateFiles;
}

export interface Valid {
  readonly fromDays: number;
  readonly toDays: number;
}

export const EXPIRED: Valid = { fromDays: -20, toDays: -10 };
export const NOT_YET_VALID: Valid = { fromDays: 10, toDays: 20 };

/** @param name of its files, and in its certificate */
export function makeAuthority(folder: string, name: string): Authority {
  const own = make(folder, name, ['-addext', 'basicConstraints=critical,CA:TRUE']);
  return {
    ...own,
    issue: (issued, names, valid) => {
      const made = make(folder, issued, [
        ...['-CA', own.cert, '-CAkey', own.key],
        ...['-addext', `subjectAltName=${names.join(',')}`],
        ...['-addext', 'basicConstraints=critical,CA:FALSE'],
      ]);
      if (valid !== undefined) issueAgain(folder, issued, { own, made, names, valid });
      return made;
    },
  };
}

/** The same name and key, and other dates: only `openssl ca` takes dates in all versions that people have. */
function issueAgain(
  folder: string,
  name: string,
  of: {
    readonly own: CertificateFiles;
    readonly made: CertificateFiles;
    readonly names: readonly string[];
    readonly valid: Valid;
  },
): void {
  const [config, request, list] = ['cnf', 'csr', 'list'].map((end) =>
    join(folder, `${name}.${end}`),
  ) as [string, string, string];
  writeFileSync(list, '');
  writeFileSync(
    config,
    `[ca]
default_ca = own
[own]
database = ${list}
new_certs_dir = ${folder}
rand_serial = yes
default_md = sha256
policy = any
x509_extensions = issued
[any]
commonName = supplied
[issued]
subjectAltName = ${of.names.join(',')}
basicConstraints = critical,CA:FALSE
`,
  );
  const { own, made, valid } = of;
  openssl('req', '-new', '-key', made.key, '-subj', `/CN=${name}`, '-out', request);
  openssl(
    ...['ca', '-batch', '-notext', '-config', config, '-cert', own.cert, '-keyfile', own.key],
    ...['-startdate', dateIn(valid.fromDays), '-enddate', dateIn(valid.toDays)],
    ...['-in', request, '-out', made.cert],
  );
}

const DAY_MS = 86_400_000;

/** `20260504102030Z` */
function dateIn(days: number): string {
  const date = new Date(Date.now() + days * DAY_MS).toISOString();
  return `${date.slice(0, 19).replace(/\D/g, '')}Z`;
}

function make(folder: string, name: string, more: readonly string[]): CertificateFiles {
  const files = { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
  openssl(
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
    ...['-days', '2', '-subj', `/CN=${name}`, '-keyout', files.key, '-out', files.cert],
    ...more,
  );
  return files;
}

function openssl(...words: readonly string[]): void {
  execFileSync('openssl', words, { stdio: 'pipe' });
}
