/**
 * The Helm chart. What its files say is judged everywhere; what they make only where `helm` is on PATH: no cluster is
 * needed for it, and none is asked.
 */
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv, type ValidateFunction } from 'ajv';
import { expect } from 'chai';
import { parse } from 'yaml';
import { checkPassword } from '../../dashboard/password.ts';
import { loadConfig, requireReader, requireServers } from '../../platform/config.ts';
import { parseDuration } from '../../platform/duration.ts';
import {
  chart,
  chartText,
  type Container,
  hasHelm,
  type Labels,
  readValues,
  render,
  type Rendered,
  root,
  type Selector,
  text,
  tryRender,
  VALUES_FILES,
} from '../support/helm-chart.ts';

const [MINIMAL, EVERYTHING] = VALUES_FILES;
const ALERTS = 'compose/prometheus/alerts.yml';

const known = new Set(
  [...text('platform/config.ts').matchAll(/^ {2}([A-Z_]+):/gm)].map(([, name = '']) => name),
);

interface ComposeService {
  readonly command?: readonly string[];
  readonly stop_grace_period?: string;
}
const compose = (
  parse(text('docker-compose.yml'), { merge: true }) as { services: Record<string, ComposeService> }
).services;

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** As helm lays a values file over the chart's own. */
function laidOver(below: unknown, above: unknown): unknown {
  if (!isMap(below) || !isMap(above)) return above;
  const names = new Set([...Object.keys(below), ...Object.keys(above)]);
  return Object.fromEntries(
    [...names].map((name) => [
      name,
      name in above ? laidOver(below[name], above[name]) : below[name],
    ]),
  );
}

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly definitions?: Readonly<Record<string, Schema>>;
}

/** The dotted names of all values that a schema, or a values file, has a name for. */
function namesOf(tree: Readonly<Record<string, unknown>>, isSchema: boolean, path = ''): string[] {
  return Object.entries(tree).flatMap(([name, value]) => {
    const inner = isSchema ? (value as Schema).properties : value;
    return [`${path}${name}`, ...(isMap(inner) ? namesOf(inner, isSchema, `${path}${name}.`) : [])];
  });
}

describe('the Helm chart', () => {
  const values = readValues('values.yaml');
  const schema = JSON.parse(chartText('values.schema.json')) as Schema;
  const isValid: ValidateFunction = new Ajv({ strict: false, allErrors: true }).compile(schema);
  const faultsOf = (given: unknown) => {
    isValid(laidOver(values, given));
    return (isValid.errors ?? []).map(({ instancePath }) => instancePath);
  };

  it('is of the release that the repository is of', () => {
    const { appVersion } = parse(chartText('Chart.yaml')) as { appVersion: string };

    expect(appVersion).to.equal((JSON.parse(text('package.json')) as { version: string }).version);
  });

  it('has values that fit its schema, alone and under each file of the tests', () => {
    for (const given of [{}, ...VALUES_FILES.map(readValues)]) {
      expect(faultsOf(given)).to.deep.equal([]);
    }
  });

  it('has a schema of the values that there are, and a comment on each or on what it belongs to', () => {
    const named = namesOf(values, false);
    // What is free in form, or may be left out, has names of its own in one of the two only.
    const isFree = (name: string) =>
      /\.(requests|limits)\b|^autoscaling\.behavior\.|\.image\.|^settings\.|^global$/.test(name);
    const inSchema = namesOf(schema.properties ?? {}, true);
    // One definition for all, by which the walk does not go.
    expect(inSchema.filter((name) => !isFree(name))).to.have.members(
      named.filter((name) => !isFree(name)),
    );
    const lines = chartText('values.yaml').split('\n');
    for (const [at, line] of lines.entries()) {
      const [, name] = /^(?: {2})?(\w+):/.exec(line) ?? [];
      if (name === undefined || name === 'enabled') continue;
      expect(lines[at - 1], `line ${at + 1}: ${name}`).to.match(/^ *#/);
    }
  });

  it('knows the settings by their names in the configuration', () => {
    const { settings } = schema.properties ?? {};
    const names = Object.keys(settings?.properties ?? {});

    expect(names).to.include.members(['SESSION_IDLE_TIMEOUT', 'LOG_LEVEL']);
    for (const name of names) expect(known).to.include(name);
    const examples = (readValues(EVERYTHING)['settings'] ?? {}) as Record<string, unknown>;
    expect(Object.keys(examples)).to.have.members(names);
  });

  it('names no variable that the configuration does not know', () => {
    const template = chartText('templates/_env.tpl');
    const names = [...template.matchAll(/\(list "([A-Z_]+)" /g)].map(([, name = '']) => name);
    const prefixes = ['CLICKHOUSE', 'NATS', 'REDIS', 'TEMPORAL'];
    const users = ['ADMIN', 'WRITER', 'BI', 'MARTS'];

    expect(names).to.include.members(['NATS_PASSWORD', 'DASHBOARD_HOST']);
    for (const name of names.filter((one) => !prefixes.includes(one))) {
      expect(known).to.include(name);
    }
    expect(template).to.include('"CLICKHOUSE_%s_USER"').and.include('"CLICKHOUSE_%s_PASSWORD"');
    for (const user of users) {
      expect(known).to.include.all.keys(`CLICKHOUSE_${user}_USER`, `CLICKHOUSE_${user}_PASSWORD`);
    }
    for (const prefix of prefixes) expect(known).to.include(`${prefix}_TLS_CA`);
  });

  it('refuses what would put a password among the values, or set a variable past them', () => {
    const wrong = [
      { nats: { url: 'nats://sojourn:secret@nats:4222' } },
      { nats: { url: 'nats://nats-0:4222,nats://token@nats-1:4222' } },
      { clickhouse: { url: 'https://sojourn:secret@clickhouse:8443' } },
      { redis: { url: 'redis://:secret@redis:6379' } },
      { redis: { password: 'secret' } },
      { traces: { endpoint: 'http://token@collector:4318' } },
      { settings: { NATS_PASSWORD: 'secret' } },
      { worker: { extraEnv: [{ name: 'CLICKHOUSE_WRITER_PASSWORD', value: 'secret' }] } },
      { worker: { extraEnv: [{ name: 'OTEL_EXPORTER_OTLP_HEADERS', value: 'secret' }] } },
    ];

    for (const given of wrong) expect(faultsOf(given), JSON.stringify(given)).not.to.be.empty;
    const extraEnv = [{ name: 'NODE_OPTIONS', value: '--max-old-space-size=512' }];
    expect(faultsOf({ worker: { extraEnv } })).to.deep.equal([]);
  });

  it('takes an address, a duration and a level only as the configuration does', () => {
    expect(faultsOf({ temporal: { address: 'http://temporal:7233' } })).not.to.be.empty;
    expect(faultsOf({ nats: { url: 'nats:4222' } })).not.to.be.empty;
    expect(faultsOf({ settings: { SESSION_IDLE_TIMEOUT: 'half an hour' } })).not.to.be.empty;
    expect(faultsOf({ settings: { LOG_LEVEL: 'loud' } })).not.to.be.empty;
    expect(faultsOf({ settings: { SESSION_CHECKPOINT: 'off' } })).to.deep.equal([]);
  });

  it('has the alerts of Compose by a link to their file', () => {
    expect(realpathSync(`${chart}/files/alerts.yml`)).to.equal(realpathSync(`${root}/${ALERTS}`));
  });

  it('has a page that names only values that there are', () => {
    const named = new Set(namesOf(values, false));
    const page = text('docs/kubernetes.md');
    const spoken = [...page.matchAll(/`([a-z]\w*(?:\.\w+)+)(?:=[^`]*)?`/g)]
      .map(([, name = '']) => name)
      .filter((name) => (name.split('.')[0] ?? '') in values);

    expect(spoken).to.include.members(['image.repository', 'ingest.autoscaling.metric']);
    // `worker.image` is empty by itself.
    for (const name of spoken) expect(named).to.include(name.replace(/\.image\.\w+$/, '.image'));
  });

  describe('rendered by helm', () => {
    before('where it is installed', function () {
      if (hasHelm) return;
      process.stdout.write('      (skipped: no helm on PATH)\n');
      this.skip();
    });

    const byFile = new Map<string, readonly Rendered[]>();
    const objectsOf = (file: string): readonly Rendered[] => {
      const objects = byFile.get(file) ?? render(file);
      byFile.set(file, objects);
      return objects;
    };
    const kindOf = (file: string, kind: string) =>
      objectsOf(file).filter((object) => object.kind === kind);
    const all = () => VALUES_FILES.flatMap(objectsOf);

    interface Process {
      readonly kind: string;
      readonly object: Rendered;
      readonly container: Container;
    }
    /** The processes, by the command that each is. */
    const processesOf = (objects: readonly Rendered[]): readonly Process[] =>
      objects.flatMap((object) =>
        (object.spec.template?.spec.containers ?? []).map((container) => ({
          kind: container.args[0] ?? '',
          object,
          container,
        })),
      );
    const podOf = ({ object }: Process) => {
      const pod = object.spec.template?.spec;
      if (pod === undefined) throw new Error(`${object.metadata.name} has no pod`);
      return pod;
    };
    const runningOf = (objects: readonly Rendered[]) =>
      processesOf(objects).filter(({ object }) => object.kind === 'Deployment');
    const podLabelsOf = (objects: readonly Rendered[]): Labels[] =>
      runningOf(objects).map(({ object }) => object.spec.template?.metadata.labels ?? {});
    const fits = (labels: Labels, { matchLabels }: Selector) =>
      Object.entries(matchLabels).every(([name, value]) => labels[name] === value);

    /** What a process would find in its environment, Secrets and their files being there. */
    function environmentOf({ env }: Container): Record<string, string> {
      const self = fileURLToPath(import.meta.url);
      const scheme = env.some(({ name }) => name === 'REDIS_TLS_CA') ? 'rediss' : 'redis';
      return Object.fromEntries(
        env.map(({ name, value }) => {
          if (value === undefined) {
            if (name === 'OTEL_EXPORTER_OTLP_HEADERS') return [name, 'authorization=abc123xyz'];
            return [name, name === 'REDIS_URL' ? `${scheme}://:abc@redis:6379` : 'abc123xyz'];
          }
          return [name, value.startsWith('/etc/sojourn/') ? self : value];
        }),
      );
    }

    it('has the two processes and the migration by itself, and the others where they are wanted', () => {
      const kindsOf = (file: string) => processesOf(objectsOf(file)).map(({ kind }) => kind);

      expect(kindsOf(MINIMAL)).to.have.members(['ingest', 'worker', 'migrate']);
      expect(kindsOf(EVERYTHING)).to.have.members(
        Object.keys(compose).filter((name) =>
          ['ingest', 'worker', 'migrate', 'collect', 'dashboard'].includes(name),
        ),
      );
      expect(new Set(objectsOf(MINIMAL).map(({ kind }) => kind))).to.have.all.keys(
        'Deployment',
        'Job',
        'PodDisruptionBudget',
      );
    });

    it('makes objects with names of their own, in the namespace of the release', () => {
      for (const file of VALUES_FILES) {
        const names = objectsOf(file).map(({ kind, metadata }) => `${kind}/${metadata.name}`);
        expect(new Set(names).size).to.equal(names.length);
        for (const { metadata } of objectsOf(file)) expect(metadata.namespace).to.equal('numbers');
      }
    });

    it('runs the commands of Compose', () => {
      for (const { kind, container } of processesOf(objectsOf(MINIMAL))) {
        expect(container.args, kind).to.deep.equal(compose[kind]?.command);
      }
    });

    it('tells each process variables that it knows, with values that it accepts, once', () => {
      for (const { kind, container } of processesOf(all())) {
        const names = container.env.map(({ name }) => name);
        expect(new Set(names).size, kind).to.equal(names.length);
        for (const name of names) if (name !== 'NODE_OPTIONS') expect(known, kind).to.include(name);
        const config = loadConfig(environmentOf(container));
        if (kind === 'dashboard') {
          requireServers(config, ['CLICKHOUSE_URL']);
          checkPassword(config);
        } else if (kind === 'collect') requireServers(config, ['NATS_URL', 'REDIS_URL']);
        else requireServers(config, ['NATS_URL', 'TEMPORAL_ADDRESS', 'CLICKHOUSE_URL']);
        if (kind === 'worker') {
          requireServers(config, ['REDIS_URL']);
          requireReader(config);
        }
      }
    });

    it('has no password in it: each is a reference to a Secret that the chart does not make', () => {
      const secret = /PASSWORD|TOKEN|API_KEY|OTLP_HEADERS|^NATS_USER$/;

      expect(all().map(({ kind }) => kind)).not.to.include.members(['Secret', 'ConfigMap']);
      for (const { kind, container } of processesOf(all())) {
        for (const { name, value, valueFrom } of container.env) {
          if (secret.test(name)) expect(valueFrom?.secretKeyRef.name, name).to.be.a('string');
          expect(value ?? '', `${kind}.${name}`).not.to.include('@');
        }
      }
    });

    it('gives each process no login that it does not need', () => {
      const holders = (name: string) =>
        processesOf(objectsOf(EVERYTHING))
          .filter(({ container }) => container.env.some((one) => one.name === name))
          .map(({ kind }) => kind);

      expect(holders('CLICKHOUSE_ADMIN_PASSWORD')).to.have.members(['migrate']);
      expect(holders('CLICKHOUSE_MARTS_PASSWORD')).to.have.members(['migrate']);
      expect(holders('CLICKHOUSE_WRITER_PASSWORD')).to.have.members(['migrate', 'worker']);
      expect(holders('CLICKHOUSE_URL')).not.to.include('collect');
      expect(holders('TEMPORAL_ADDRESS')).not.to.include('collect');
      expect(holders('REDIS_URL')).to.have.members(['ingest', 'worker', 'collect']);
      expect(holders('DASHBOARD_PASSWORD')).to.have.members(['dashboard']);
      const traced = ['ingest', 'worker', 'collect'];
      expect(holders('OTEL_EXPORTER_OTLP_ENDPOINT')).to.have.members(traced);
      const page = processesOf(objectsOf(EVERYTHING)).find(({ kind }) => kind === 'dashboard');
      expect(page?.container.env.map(({ name }) => name)).not.to.include('NATS_PASSWORD');
    });

    it('mounts the files that variables name, of Secrets, and nothing to write on but /tmp', () => {
      for (const one of processesOf(all())) {
        const { container, kind } = one;
        const { volumes } = podOf(one);
        const folders = container.volumeMounts.map(({ mountPath }) => mountPath);
        for (const { name, mountPath, readOnly } of container.volumeMounts) {
          const volume = volumes.find((other) => other.name === name);
          expect(volume, `${kind} ${name}`).not.to.equal(undefined);
          if (volume?.emptyDir !== undefined) expect(mountPath).to.equal('/tmp');
          else
            expect([volume?.secret?.secretName === undefined, readOnly]).to.deep.equal([
              false,
              true,
            ]);
        }
        expect(volumes.length, kind).to.equal(folders.length);
        for (const { value = '' } of container.env.filter((v) => v.value?.startsWith('/etc/'))) {
          expect(folders, kind).to.include(value.slice(0, value.lastIndexOf('/')));
        }
      }
    });

    it('restricts every container as Kubernetes’ profile "restricted" asks, and more', () => {
      for (const one of processesOf(all())) {
        const pod = podOf(one);
        expect(pod.automountServiceAccountToken).to.equal(false);
        expect(pod.securityContext).to.deep.include({
          runAsNonRoot: true,
          // A name in the image, so the kubelet could not tell by itself that it is not root.
          runAsUser: 1000,
          seccompProfile: { type: 'RuntimeDefault' },
        });
        for (const container of [...pod.containers, ...(pod.initContainers ?? [])]) {
          expect(container.securityContext, one.kind).to.deep.equal({
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          });
          expect(container.resources, one.kind).to.have.keys('requests', 'limits');
        }
      }
    });

    it('asks what runs on for its health, where it serves it', () => {
      for (const { kind, container } of runningOf(all())) {
        const { startupProbe, livenessProbe, readinessProbe, args, ports = [] } = container;
        const health = ports.find(({ name }) => name === 'health');

        expect(args[args.indexOf('--health-port') + 1], kind).to.equal(
          String(health?.containerPort),
        );
        expect(environmentOf(container)['HEALTH_HOST']).to.equal('0.0.0.0');
        expect(livenessProbe?.httpGet).to.deep.equal({ path: '/healthz', port: 'health' });
        expect(startupProbe?.httpGet).to.deep.equal({ path: '/healthz', port: 'health' });
        expect(readinessProbe?.httpGet).to.deep.equal({ path: '/readyz', port: 'health' });
        // It waits 5 s for a server that does not answer.
        expect(readinessProbe?.timeoutSeconds).to.be.above(5);
      }
    });

    it('gives each process the time that it takes to stop, and no less than Compose does', () => {
      const msOf = (path: string, name: string) =>
        Number(new RegExp(`const ${name} = ([\\d_]+)`).exec(text(path))?.[1]?.replaceAll('_', ''));
      const ownMs: Record<string, number> = {
        ingest:
          msOf('workers/ingest/ingest.ts', 'DRAIN_MS_MAX') +
          msOf('workers/ingest/ingest.ts', 'GOODBYE_MS_MAX'),
        worker: msOf('workers/host/session-worker.ts', 'STOP_MS_MAX'),
        collect: msOf('collect/server.ts', 'CLOSE_MS_MAX'),
        dashboard: msOf('dashboard/server.ts', 'CLOSE_MS_MAX'),
      };
      const healthMs = msOf('health/server.ts', 'CLOSE_MS_MAX');

      for (const one of runningOf(all())) {
        const graceMs = podOf(one).terminationGracePeriodSeconds * 1_000;
        const [, beforeSeconds = '0'] = one.container.lifecycle?.preStop.exec.command ?? [];
        const takesMs = Number(beforeSeconds) * 1_000 + (ownMs[one.kind] ?? NaN) + healthMs;
        expect(graceMs, one.kind).to.be.above(takesMs * 1.5);
        const inCompose = parseDuration(compose[one.kind]?.stop_grace_period ?? '');
        expect(graceMs, one.kind).to.be.at.least(inCompose ?? NaN);
      }
    });

    it('goes on taking requests for a while where a Service sends them', () => {
      for (const { kind, container } of runningOf(all())) {
        const isServed = container.ports?.some(({ name }) => name === 'http') === true;
        expect(container.lifecycle !== undefined, kind).to.equal(isServed);
      }
    });

    it('migrates before each install and upgrade, with nothing of the release in place', () => {
      for (const object of all()) {
        const { 'helm.sh/hook': hook } = object.metadata.annotations ?? {};
        expect(hook, object.metadata.name).to.equal(
          object.kind === 'Job' ? 'pre-install,pre-upgrade' : undefined,
        );
      }
      const [job] = kindOf(MINIMAL, 'Job');
      expect(job?.metadata.annotations?.['helm.sh/hook-delete-policy']).to.equal(
        'before-hook-creation,hook-succeeded',
      );
      expect(render(MINIMAL, ['migrate.enabled=false']).map(({ kind }) => kind)).not.to.include(
        'Job',
      );
    });

    it('selects by labels that fit: a Deployment its own pods, all others those of Deployments', () => {
      for (const file of VALUES_FILES) {
        const objects = objectsOf(file);
        const pods = podLabelsOf(objects);
        const selectors = objects.flatMap(({ kind, metadata, spec }) => {
          const what = `${kind}/${metadata.name}`;
          const own = spec['selector'] as Selector | Labels | undefined;
          const pod = spec['podSelector'] as Selector | undefined;
          const spread = spec.template?.spec.topologySpreadConstraints ?? [];
          return [
            ...(own === undefined || kind === 'ServiceMonitor'
              ? []
              : [
                  {
                    what,
                    selector:
                      kind === 'Service' ? { matchLabels: own as Labels } : (own as Selector),
                  },
                ]),
            ...(pod === undefined ? [] : [{ what, selector: pod }]),
            ...spread.map(({ labelSelector }) => ({
              what: `${what} spread`,
              selector: labelSelector,
            })),
          ];
        });

        expect(selectors.length).to.be.above(5);
        for (const { what, selector } of selectors) {
          const chosen = pods.filter((labels) => fits(labels, selector)).length;
          const isOfAll = !('app.kubernetes.io/component' in selector.matchLabels);
          expect(chosen, what).to.equal(isOfAll ? pods.length : 1);
          // A label of the release would lock the Deployment to it.
          expect(Object.keys(selector.matchLabels), what).not.to.include(
            'app.kubernetes.io/version',
          );
        }
      }
    });

    it('sends what comes to a Service to a port that its pods have', () => {
      const services = kindOf(EVERYTHING, 'Service');

      expect(services.map(({ metadata }) => metadata.name)).to.have.members(
        ['collect', 'dashboard', 'health'].map((kind) => `shop-sojourn-${kind}`),
      );
      for (const { metadata, spec } of services) {
        const { ports, selector } = spec as unknown as {
          ports: { targetPort: string }[];
          selector: Labels;
        };
        for (const { object, container } of runningOf(objectsOf(EVERYTHING))) {
          const labels = object.spec.template?.metadata.labels ?? {};
          if (!fits(labels, { matchLabels: selector })) continue;
          for (const { targetPort } of ports) {
            const names = container.ports?.map(({ name }) => name);
            expect(names, metadata.name).to.include(targetPort);
          }
        }
      }
      for (const { container, kind } of runningOf(objectsOf(EVERYTHING))) {
        const http = container.ports?.find(({ name }) => name === 'http');
        if (http === undefined) continue;
        const { args } = container;
        expect(args[args.indexOf('--port') + 1], kind).to.equal(String(http.containerPort));
        expect(environmentOf(container)[`${kind.toUpperCase()}_HOST`]).to.equal('0.0.0.0');
      }
    });

    it('scales by CPU, or by the age of the oldest event, a Deployment that does not say how many', () => {
      const metric = 'sojourn_oldest_unloaded_event_age_seconds';
      expect(text('docs/health.md')).to.include(`| \`${metric}\` | gauge |`);
      const scalers = (objects: readonly Rendered[]) =>
        objects.filter(({ kind }) => kind === 'HorizontalPodAutoscaler');
      const [ingest, worker] = scalers(objectsOf(EVERYTHING));
      const [ofPods] = scalers(
        render(MINIMAL, [
          'ingest.autoscaling.enabled=true',
          'ingest.autoscaling.metric=age',
          'autoscaling.ageMetric.type=Pods',
        ]),
      );

      expect(ingest?.spec['metrics']).to.deep.equal([
        {
          type: 'External',
          external: {
            metric: { name: metric, selector: { matchLabels: { namespace: 'sojourn' } } },
            target: { type: 'Value', value: '30' },
          },
        },
      ]);
      expect(worker?.spec['metrics']).to.deep.equal([
        {
          type: 'Resource',
          resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 75 } },
        },
      ]);
      expect(ofPods?.spec['metrics']).to.deep.equal([
        {
          type: 'Pods',
          pods: { metric: { name: metric }, target: { type: 'AverageValue', averageValue: '30' } },
        },
      ]);
      const replicas = (file: string) =>
        kindOf(file, 'Deployment').map(({ metadata, spec }) => [metadata.name, spec.replicas]);
      expect(replicas(EVERYTHING)).to.have.deep.members([
        ['shop-sojourn-ingest', undefined],
        ['shop-sojourn-worker', undefined],
        ['shop-sojourn-collect', 2],
        // Who has logged in is known to one process alone.
        ['shop-sojourn-dashboard', 1],
      ]);
      for (const { spec, metadata } of scalers(objectsOf(EVERYTHING))) {
        expect((spec['scaleTargetRef'] as { name: string }).name).to.equal(metadata.name);
      }
    });

    it('alerts as Compose does', () => {
      const [rule] = kindOf(EVERYTHING, 'PrometheusRule');

      expect(rule?.spec).to.deep.equal(parse(text(ALERTS)));
    });

    it('lets Prometheus find what it scrapes, ready or not', () => {
      const [monitor] = kindOf(EVERYTHING, 'ServiceMonitor');
      const { selector, endpoints } = monitor?.spec as unknown as {
        selector: Selector;
        endpoints: { port: string; path: string; relabelings: object[] }[];
      };
      const found = kindOf(EVERYTHING, 'Service').filter(({ metadata }) =>
        fits(metadata.labels, selector),
      );

      expect(found.map(({ metadata }) => metadata.name)).to.deep.equal(['shop-sojourn-health']);
      expect(found[0]?.spec).to.include({ clusterIP: 'None', publishNotReadyAddresses: true });
      expect(endpoints.map(({ port, path }) => ({ port, path }))).to.deep.equal([
        { port: 'health', path: '/metrics' },
      ]);
      // The alerts and the dashboard of operators ask for the job of Compose.
      expect(endpoints.map(({ relabelings }) => relabelings)).to.deep.equal([
        [{ action: 'replace', targetLabel: 'job', replacement: 'sojourn' }],
      ]);
    });

    it('lets nobody in who is not named, once there are network policies', () => {
      const closed = render(MINIMAL, ['networkPolicy.enabled=true', 'collect.enabled=true']).filter(
        ({ kind }) => kind === 'NetworkPolicy',
      );

      expect(closed.map(({ spec }) => [spec['policyTypes'], spec['ingress']])).to.deep.equal([
        [['Ingress'], []],
      ]);
      expect(
        kindOf(EVERYTHING, 'NetworkPolicy').map(({ spec }) => spec['policyTypes']),
      ).to.deep.equal([['Ingress', 'Egress'], ['Ingress'], ['Ingress']]);
    });

    it('takes a process’s own image before that of all, for an upgrade in steps', () => {
      const imagesOf = (settings: readonly string[]) =>
        Object.fromEntries(
          processesOf(render(MINIMAL, settings)).map(({ kind, container }) => [
            kind,
            container.image.replace('registry.example/', ''),
          ]),
        );
      const digest = `sha256:${'0'.repeat(64)}`;

      expect(imagesOf([])).to.include({ ingest: 'sojourn:0.1.0', migrate: 'sojourn:0.1.0' });
      expect(imagesOf(['image.tag=0.3.0', 'ingest.image.tag=0.2.0'])).to.deep.equal({
        ingest: 'sojourn:0.2.0',
        worker: 'sojourn:0.3.0',
        migrate: 'sojourn:0.3.0',
      });
      expect(imagesOf([`image.digest=${digest}`, 'ingest.image.tag=0.2.0'])).to.deep.equal({
        ingest: 'sojourn:0.2.0',
        worker: `sojourn@${digest}`,
        migrate: `sojourn@${digest}`,
      });
    });

    it('says all that is missing at once', () => {
      const { refusal } = tryRender('values.yaml');

      for (const name of ['image.repository', 'nats.url', 'temporal.address', 'clickhouse.url']) {
        expect(refusal).to.include(`${name} is not set`);
      }
      expect(refusal).to.include('neither redis.url nor redis.secret is set');
      const tls = tryRender(MINIMAL, ['clickhouse.tls.secret=files', 'dashboard.enabled=true']);
      expect(tls.refusal)
        .to.include('clickhouse.url does not begin with https://')
        .and.include('dashboard.secret is not set');
      expect(tryRender(MINIMAL, ['settings.SESSION_IDLE=3s']).refusal).to.include('SESSION_IDLE');
    });
  });
});
