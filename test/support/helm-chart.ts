/** The Helm chart for tests: its files, and what `helm template` makes of it where helm is installed. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, parseAllDocuments } from 'yaml';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const chart = join(root, 'deploy/helm/sojourn');
export const text = (path: string) => readFileSync(join(root, path), 'utf8');
export const chartText = (path: string) => readFileSync(join(chart, path), 'utf8');
export const readValues = (path: string) => parse(chartText(path)) as Record<string, unknown>;

/** The values files that are rendered: the least, and all that can be switched on. */
export const VALUES_FILES = ['ci/minimal-values.yaml', 'ci/everything-values.yaml'] as const;

export interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef: { readonly name: string; readonly key: string } };
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
  readonly timeoutSeconds: number;
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args: readonly string[];
  readonly env: readonly Variable[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly lifecycle?: { readonly preStop: { readonly exec: { readonly command: string[] } } };
  readonly resources: { readonly requests?: object; readonly limits?: object };
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly volumeMounts: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly readOnly?: boolean;
  }[];
}

export interface Pod {
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly automountServiceAccountToken?: boolean;
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly topologySpreadConstraints?: readonly { readonly labelSelector: Selector }[];
  readonly volumes: readonly {
    readonly name: string;
    readonly emptyDir?: object;
    readonly secret?: { readonly secretName: string };
  }[];
}

export type Labels = Readonly<Record<string, string>>;
export interface Selector {
  readonly matchLabels: Labels;
}

/** An object of Kubernetes, with what of it the tests read. */
export interface Rendered {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels: Labels;
    readonly annotations?: Labels;
  };
  readonly spec: Readonly<Record<string, unknown>> & {
    readonly replicas?: number;
    readonly template?: { readonly metadata: { readonly labels: Labels }; readonly spec: Pod };
  };
}

/** Whether there is a `helm` on PATH that starts. */
export const hasHelm = spawnSync('helm', ['version', '--short']).status === 0;

/** Built by `go install` it takes itself for the helm of an old Kubernetes, so the release is said. */
const TEMPLATE = ['template', 'shop', chart, '--namespace', 'numbers', '--kube-version', '1.32.0'];

/**
 * @param settings `name=value`, as `--set` takes them
 * @returns what helm says, in the place of objects, where it refuses
 */
export function tryRender(
  valuesFile: string,
  settings: readonly string[] = [],
): { readonly objects: readonly Rendered[]; readonly refusal: string } {
  const sets = settings.flatMap((setting) => ['--set', setting]);
  const values = ['--values', join(chart, valuesFile)];
  const { status, stdout, stderr } = spawnSync('helm', [...TEMPLATE, ...values, ...sets], {
    encoding: 'utf8',
  });
  if (status !== 0) return { objects: [], refusal: stderr };
  // As Kubernetes reads YAML, in which 0440 is octal.
  const documents = parseAllDocuments(stdout, { version: '1.1' });
  const objects = documents.map((document) => document.toJS() as Rendered | null);
  return { objects: objects.filter((one) => one !== null), refusal: '' };
}

export function render(valuesFile: string, settings: readonly string[] = []): readonly Rendered[] {
  const { objects, refusal } = tryRender(valuesFile, settings);
  if (refusal !== '') throw new Error(refusal);
  return objects;
}
