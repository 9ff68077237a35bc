/** docker-compose.yml and what it mounts, as the tests read them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

/** As far as the tests look at it. */
export interface Service {
  readonly image?: string;
  readonly build?: unknown;
  readonly command?: readonly string[];
  readonly restart?: string;
  readonly stop_grace_period?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly user?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly cap_add?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly networks?: readonly string[];
}

interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>;
}

/** Of the repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url));
export const text = (path: string) => readFileSync(join(root, path), 'utf8');
export const readYaml = (path: string) => parse(text(path), { merge: true }) as unknown;

export const file = readYaml('docker-compose.yml') as ComposeFile;
export const services = Object.entries(file.services);
export const oneShot = ([, { restart }]: [string, Service]) =>
  restart?.startsWith('on-failure') === true;
export const ofSojourn = services.filter(([, { build }]) => build !== undefined);
export const servers = services.filter(([, { build }]) => build === undefined);

/** Every `${NAME…}` of a text; `$$` is Compose's way to write one dollar. */
export function variablesIn(value: string): { name: string; rest: string }[] {
  return [...value.replaceAll('$$', '').matchAll(/\$\{([A-Z_]+)([^}]*)\}/g)].map(
    ([, name = '', rest = '']) => ({ name, rest }),
  );
}

/** What Compose makes of a value: what is required is set, what has a default keeps it. */
export function interpolate(value: string): string {
  return value.replace(/\$\{[A-Z_]+(:\?[^}]*|:-([^}]*))\}/g, (_all, rest: string, fallback = '') =>
    rest.startsWith(':?') ? 'abc123xyz' : String(fallback),
  );
}

/** Whom Prometheus asks for figures. */
export function scrapedHosts(): string[] {
  const { scrape_configs } = readYaml('compose/prometheus/prometheus.yml') as {
    scrape_configs: {
      static_configs?: { targets: string[] }[];
      dns_sd_configs?: { names: string[] }[];
    }[];
  };
  return scrape_configs
    .flatMap(({ static_configs = [], dns_sd_configs = [] }) => [
      ...static_configs.flatMap(({ targets }) => targets),
      ...dns_sd_configs.flatMap(({ names }) => names),
    ])
    .map((target) => target.split(':')[0] ?? '');
}
