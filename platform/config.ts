/**
 * Configuration: environment variables, and for what they do not set the file `<data-dir>/env` that
 * `sojourn up` writes. Read once at start, checked as a whole: one error names everything wrong.
 * Nothing else reads `process.env` (the linter sees to it).
 */
import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { SojournError } from '../shared/errors.ts';
import {
  DIMENSION_VALUES_DEFAULT,
  DIMENSION_VALUES_MAX,
  EVENTS_BYTES_LEAST,
  IMPORT_CHUNK_SESSIONS_DEFAULT,
  IMPORT_CHUNK_SESSIONS_MAX,
} from '../shared/limits.ts';
import { byteSizeText, parseByteSize } from '../shared/byte-size.ts';
import { parseDuration, UNITS_MS } from './duration.ts';
import { publicAddress } from './secrets.ts';

const YEAR_MS = 365 * UNITS_MS.d;

const duration = (minMs: number, maxMs = YEAR_MS) =>
  z.string().transform((text, context) => {
    const ms = parseDuration(text);
    if (ms === undefined) {
      context.addIssue({ code: 'custom', message: 'must be a duration such as 30m, 10s or 500ms' });
      return z.NEVER;
    }
    if (ms < minMs || ms > maxMs) {
      context.addIssue({
        code: 'custom',
        message: `must be from ${minMs} ms to ${maxMs / UNITS_MS.d} d`,
      });
      return z.NEVER;
    }
    return ms;
  });

/** Clients decode user and password; what one of them throws where it cannot names no variable. */
const LOGIN_ENCODED = {
  error: 'must have each % of its user and password written as %25',
};

function isLoginEncoded(address: string): boolean {
  if (!URL.canParse(address)) return true;
  const { username, password } = new URL(address);
  try {
    decodeURIComponent(`${username}:${password}`);
    return true;
  } catch {
    return false;
  }
}

const url = (protocols: readonly string[]) =>
  z
    .string()
    .refine(
      (text) => {
        const parsed = URL.canParse(text) ? new URL(text) : undefined;
        return (
          parsed !== undefined && protocols.includes(parsed.protocol) && parsed.hostname !== ''
        );
      },
      { error: `must be a URL that starts with ${protocols.map((p) => `${p}//`).join(' or ')}` },
    )
    .refine(isLoginEncoded, LOGIN_ENCODED);

const natsUrls = z.string().superRefine((text, context) => {
  const each = url(['nats:', 'tls:', 'ws:', 'wss:']);
  const all = text.split(',').map((one) => one.trim());
  if (all.every((one) => each.safeParse(one).success)) return;
  const message = all.every(isLoginEncoded)
    ? 'must be one or more URLs such as nats://host:4222, separated by commas'
    : LOGIN_ENCODED.error;
  context.addIssue({ code: 'custom', message });
});

/** A comma that no address follows is part of a password. */
export function addressesOf(list: string): readonly string[] {
  return list.split(/,(?=\s*https?:\/\/)/).map((one) => one.trim());
}

const clickHouseUrls = z.string().superRefine((list, context) => {
  const all = addressesOf(list);
  const isUrl = (one: string) => url(['http:', 'https:']).safeParse(one).success;
  if (!all.every(isLoginEncoded)) {
    context.addIssue({ code: 'custom', message: LOGIN_ENCODED.error });
  } else if (!all.every(isUrl)) {
    context.addIssue({
      code: 'custom',
      message: 'must be a URL that starts with http:// or https://, or several separated by commas',
    });
  } else if (new Set(all.map((one) => new URL(one).protocol)).size > 1) {
    context.addIssue({
      code: 'custom',
      message: 'must have http:// in all its addresses, or https:// in all',
    });
  }
});

const count = (max: number) =>
  z.string().transform((text, context) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
    if (value >= 1 && value <= max) return value;
    context.addIssue({ code: 'custom', message: `must be a whole number from 1 to ${max}` });
    return z.NEVER;
  });

/** `unlimited` is as JetStream says it. */
const UNLIMITED = -1;

const streamBytes = (min: number) =>
  z.string().transform((text, context) => {
    if (text === 'unlimited') return UNLIMITED;
    const bytes = parseByteSize(text);
    if (bytes !== undefined && bytes >= min) return bytes;
    context.addIssue({
      code: 'custom',
      message: `must be a size of at least ${byteSizeText(min)} such as 30GB, or unlimited`,
    });
    return z.NEVER;
  });

const addresses = z.string().transform((text, context) => {
  const all = text.split(',').map((one) => one.trim());
  const isAddress = (one: string) => {
    const [address = '', bits, ...rest] = one.split('/');
    const version = isIP(address);
    const most = version === 4 ? 32 : 128;
    const isRange = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most);
    return version !== 0 && isRange && rest.length === 0;
  };
  if (all.every(isAddress)) return all;
  context.addIssue({
    code: 'custom',
    message: 'must be addresses such as 10.0.0.1 or 10.0.0.0/8, separated by commas',
  });
  return z.NEVER;
});

const file = z.string().refine((path) => existsSync(path), { error: 'must be a file that exists' });
const flag = z
  .enum(['true', 'false'], { error: 'must be true or false' })
  .transform((text) => text === 'true');
const text = z.string();
const listenAddress = text.regex(/^[\w.:-]{1,253}$/, {
  error: 'must be an address such as 127.0.0.1 or 0.0.0.0',
});

const SCHEMA = z.object({
  NATS_URL: natsUrls.optional(),
  NATS_USER: text.optional(),
  NATS_PASSWORD: text.optional(),
  NATS_TOKEN: text.optional(),
  NATS_CREDS: file.optional(),
  NATS_NKEY: file.optional(),
  NATS_INBOX_PREFIX: text
    .regex(/^[\w-]{1,64}(\.[\w-]{1,64}){0,7}$/, { error: 'must be a subject such as _INBOX_shop' })
    .optional(),
  NATS_TLS_CA: file.optional(),
  NATS_TLS_CERT: file.optional(),
  NATS_TLS_KEY: file.optional(),
  STREAM_REPLICAS: count(5).optional(),
  EVENTS_MAX_BYTES: streamBytes(EVENTS_BYTES_LEAST).optional(),
  TEMPORAL_ADDRESS: z
    .string()
    .regex(/^[^\s:/]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$/, { error: 'must be host:port' })
    .optional(),
  TEMPORAL_NAMESPACE: z
    .string()
    .regex(/^[\w.-]{1,255}$/, { error: 'must be letters, digits, dots, dashes or underscores' })
    .default('default'),
  TEMPORAL_UI_URL: url(['http:', 'https:']).optional(),
  TEMPORAL_API_KEY: text.optional(),
  TEMPORAL_TLS: flag.default(false),
  TEMPORAL_TLS_CA: file.optional(),
  TEMPORAL_TLS_CERT: file.optional(),
  TEMPORAL_TLS_KEY: file.optional(),
  CLICKHOUSE_URL: clickHouseUrls.optional(),
  CLICKHOUSE_CLUSTER: text
    .regex(/^[\w.-]{1,100}$/, { error: 'must be letters, digits, dots, dashes or underscores' })
    .optional(),
  CLICKHOUSE_ADMIN_USER: text.optional(),
  CLICKHOUSE_ADMIN_PASSWORD: text.optional(),
  CLICKHOUSE_WRITER_USER: text.default('sojourn_writer'),
  CLICKHOUSE_WRITER_PASSWORD: text.optional(),
  CLICKHOUSE_BI_USER: text.default('sojourn_bi'),
  CLICKHOUSE_BI_PASSWORD: text.optional(),
  CLICKHOUSE_MARTS_USER: text.default('sojourn_marts'),
  CLICKHOUSE_MARTS_PASSWORD: text.optional(),
  CLICKHOUSE_ANALYST_PASSWORD: text.optional(),
  CLICKHOUSE_TLS_CA: file.optional(),
  CLICKHOUSE_TLS_CERT: file.optional(),
  CLICKHOUSE_TLS_KEY: file.optional(),
  REDIS_URL: url(['redis:', 'rediss:']).optional(),
  REDIS_TLS_CA: file.optional(),
  REDIS_TLS_CERT: file.optional(),
  REDIS_TLS_KEY: file.optional(),
  SESSION_IDLE_TIMEOUT: duration(100).default(30 * UNITS_MS.m),
  SESSION_CHECKPOINT: z
    .union([z.literal('off').transform(() => null), duration(100)], {
      error: 'must be a duration such as 5s, or off',
    })
    .default(5 * UNITS_MS.s),
  SESSION_STUCK_AFTER: duration(100).default(15 * UNITS_MS.m),
  LATE_GRACE: duration(0).default(10 * UNITS_MS.s),
  LATE_WINDOW: duration(UNITS_MS.s).default(72 * UNITS_MS.h),
  DIMENSION_VALUES_MAX: count(DIMENSION_VALUES_MAX).default(DIMENSION_VALUES_DEFAULT),
  IMPORT_CHUNK_SESSIONS: count(IMPORT_CHUNK_SESSIONS_MAX).default(IMPORT_CHUNK_SESSIONS_DEFAULT),
  DASHBOARD_HOST: listenAddress.default('127.0.0.1'),
  DASHBOARD_PASSWORD: text.min(8, { error: 'must have at least 8 characters' }).optional(),
  DASHBOARD_URL: url(['http:', 'https:']).optional(),
  HEALTH_HOST: listenAddress.default('127.0.0.1'),
  HEALTH_URL: url(['http:', 'https:']).optional(),
  COLLECT_HOST: listenAddress.default('127.0.0.1'),
  COLLECT_URL: url(['http:', 'https:']).optional(),
  COLLECT_TRUSTED_PROXIES: addresses.default([]),
  WORKFLOW_SANDBOX: z.enum(['own', 'sdk'], { error: 'must be own or sdk' }).default('own'),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'], {
      error: 'must be trace, debug, info, warn, error or silent',
    })
    .default('info'),
  // Names that other programs know, too: what is wrong with them ends no process (trace-settings.ts).
  OTEL_SDK_DISABLED: text.optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: text.optional(),
  OTEL_EXPORTER_OTLP_HEADERS: text.optional(),
  OTEL_EXPORTER_OTLP_PROTOCOL: text.optional(),
  OTEL_TRACES_EXPORTER: text.optional(),
  OTEL_SERVICE_NAME: text.default('sojourn'),
  SOJOURN_CACHE: text.optional(),
});

export type Config = Readonly<z.output<typeof SCHEMA>>;
export type ConfigName = keyof Config;
/** Variables by name, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Also where a file is wanted: somebody may have given the key itself. */
const SECRET = /PASSWORD|TOKEN|API_KEY|NKEY|CREDS|TLS_KEY/;

/**
 * Checks the variables.
 * @param env an empty text counts as not set, as shells and Compose files often leave one
 * @throws SojournError `SJ_CONFIG`, naming every variable that is wrong, what it is and should be
 */
export function loadConfig(env: Environment): Config {
  const known = Object.fromEntries(
    Object.keys(SCHEMA.shape).flatMap((name) => {
      const value = env[name];
      return value === undefined || value === '' ? [] : [[name, value]];
    }),
  );
  const result = SCHEMA.safeParse(known);
  const issues = result.error?.issues ?? [];
  const faults = [
    ...issues.map((issue) => {
      const name = String(issue.path[0]);
      const got = JSON.stringify(publicAddress(env[name] ?? ''));
      return `${name} ${issue.message}${SECRET.test(name) ? '' : `, got ${got}`}`;
    }),
    // These look at what was given, not at what came of it: one wrong value must not hide another.
    ...pairFaults(known),
    ...plainTextFaults(known),
    ...severalServersFaults(known),
  ];
  if (faults.length > 0) {
    throw new SojournError('SJ_CONFIG', `wrong configuration: ${[...new Set(faults)].join('; ')}`);
  }
  if (!result.success) throw result.error;
  return Object.freeze(result.data);
}

function pairFaults(config: Environment): string[] {
  const pairs = [
    ['NATS_TLS_CERT', 'NATS_TLS_KEY'],
    ['TEMPORAL_TLS_CERT', 'TEMPORAL_TLS_KEY'],
    ['CLICKHOUSE_TLS_CERT', 'CLICKHOUSE_TLS_KEY'],
    ['REDIS_TLS_CERT', 'REDIS_TLS_KEY'],
    ['NATS_USER', 'NATS_PASSWORD'],
  ] as const;
  return pairs.flatMap(([a, b]) =>
    (config[a] === undefined) === (config[b] === undefined)
      ? []
      : [`${a} and ${b} must be set together`],
  );
}

/** The clients ignore a certificate for an address without TLS, and what was meant to be private goes in the clear. */
function plainTextFaults(config: Environment): string[] {
  const addresses = [
    ['CLICKHOUSE', config.CLICKHOUSE_URL, 'https:'],
    ['REDIS', config.REDIS_URL, 'rediss:'],
  ] as const;
  return addresses.flatMap(([server, address, protocol]) =>
    (['CA', 'CERT'] as const)
      .map((part) => `${server}_TLS_${part}` as const)
      .filter((name) => config[name] !== undefined)
      .filter(() => address !== undefined && !address.startsWith(protocol))
      .map((name) => `${name} is set, but ${server}_URL does not begin with ${protocol}//`),
  );
}

/** Servers that are no cluster would each get a part of the rows. */
function severalServersFaults(config: Environment): string[] {
  const { CLICKHOUSE_URL = '', CLICKHOUSE_CLUSTER } = config;
  if (CLICKHOUSE_CLUSTER !== undefined || addressesOf(CLICKHOUSE_URL).length === 1) return [];
  return ['CLICKHOUSE_URL has several addresses, and CLICKHOUSE_CLUSTER is not set'];
}

/**
 * Fails where a server that the process needs has no address.
 * @throws SojournError `SJ_CONFIG`, naming every variable that is missing
 */
export function requireServers<N extends ConfigName>(
  config: Config,
  names: readonly N[],
): Config & { readonly [K in N]-?: NonNullable<Config[K]> } {
  const missing = names.filter((name) => config[name] === undefined);
  if (missing.length > 0) {
    throw new SojournError(
      'SJ_CONFIG',
      `not set: ${missing.join(', ')}; set them, or start everything here with \`npx sojourn up\`; where it runs in another folder, name that with --data-dir`,
    );
  }
  return config as Config & { readonly [K in N]-?: NonNullable<Config[K]> };
}

/**
 * Fails where a worker has a login that writes and none that reads: it has to know what it has written.
 * @throws SojournError `SJ_CONFIG`
 */
export function requireReader(config: Config): void {
  if (config.CLICKHOUSE_WRITER_PASSWORD === undefined) return;
  if (config.CLICKHOUSE_BI_PASSWORD !== undefined) return;
  throw new SojournError(
    'SJ_CONFIG',
    'not set: CLICKHOUSE_BI_PASSWORD; a worker reads with it which values its metrics have, for the writer may only insert',
  );
}

/** The process's own environment. */
export function processEnvironment(): Environment {
  return process.env;
}

/** Where `up` notes what it runs. */
export function envFile(dataDir: string): string {
  return join(dataDir, 'env');
}

/** What `up` noted in a data directory, under what the environment sets itself. */
export function withEnvFile(env: Environment, dataDir: string): Environment {
  const path = envFile(dataDir);
  if (!existsSync(path)) return env;
  // Empty counts as not set here too.
  const set = Object.entries(env).filter(([, value]) => value !== undefined && value !== '');
  return { ...parseEnvFile(readFileSync(path, 'utf8')), ...Object.fromEntries(set) };
}

/** `NAME=value` lines; empty lines and lines that start with `#` are skipped. */
export function parseEnvFile(content: string): Record<string, string> {
  return Object.fromEntries(
    content.split('\n').flatMap((line) => {
      const at = line.indexOf('=');
      return line.startsWith('#') || at < 1 ? [] : [[line.slice(0, at).trim(), line.slice(at + 1)]];
    }),
  );
}

/** Where server binaries are kept between runs. */
export function cacheDir(env: Environment): string {
  const set = env['SOJOURN_CACHE'];
  return set === undefined || set === '' ? join(homedir(), '.cache', 'sojourn') : set;
}
