/**
 * The Compose file and what it mounts, as far as that can be judged without Docker: against the
 * Compose specification's own schema (dclint ships it), and against the mistakes a schema cannot see.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Ajv } from 'ajv';
import { expect } from 'chai';
import { checkPassword } from '../../dashboard/password.ts';
import { loadConfig, parseEnvFile } from '../../platform/config.ts';
import {
  file,
  interpolate,
  ofSojourn,
  oneShot,
  readYaml,
  root,
  scrapedHosts,
  servers,
  services,
  text,
  variablesIn,
} from '../support/compose.ts';
import { alerts, allExpressions, dashboards, drawnPanels, metricsIn } from '../support/promql.ts';
import { NATS_EXPORTER, natsExporterNames } from '../support/told-by-servers.ts';

describe('docker-compose.yml', () => {
  describe('against the schema of the Compose specification', () => {
    const dclint = createRequire(import.meta.url).resolve('dclint');
    const schema = JSON.parse(
      readFileSync(join(dirname(dclint), '..', 'schemas', 'compose.schema.json'), 'utf8'),
    ) as Record<string, unknown>;
    // It names its dialect with https, which Ajv does not know it by; `30s` is no ISO 8601 duration.
    delete schema['$schema'];
    const validate = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile(
      schema,
    );

    it('is valid', () => {
      validate(file);

      expect(validate.errors ?? []).to.deep.equal([]);
    });

    it('would not be valid with a key that does not exist, or a wrong type', () => {
      const [name = '', service] = services[0] ?? [];
      const withService = (changed: object) => ({
        ...file,
        services: { ...file.services, [name]: changed },
      });

      expect(validate(withService({ ...service, restarts: 'always' }))).to.equal(false);
      expect(validate(withService({ ...service, volumes: 'nats:/data' }))).to.equal(false);
    });
  });

  it('pins every image to one exact release', () => {
    const images = servers.map(([, { image }]) => image);
    const bases = [...text('Dockerfile').matchAll(/^ARG NODE=(.*)$/gm)].map(([, base]) => base);

    expect(bases).to.have.length(1);
    // A release of Postgres has two numbers.
    for (const image of [...images, ...bases]) {
      expect(image).to.match(/^postgres:\d+\.\d+-|^[\w./-]+:v?\d+\.\d+\.\d+/);
    }
  });

  it('builds one image for all processes of Sojourn', () => {
    expect(ofSojourn.map(([name]) => name)).to.have.members([
      'migrate',
      'ingest',
      'worker',
      'collect',
      'dashboard',
    ]);
    expect(new Set(ofSojourn.map(([, { image }]) => image)).size).to.equal(1);
    for (const [name, { command = [] }] of ofSojourn) expect(command[0]).to.equal(name);
  });

  it('lets the image see all that it is built from', () => {
    const ignore = text('.dockerignore');
    const { include } = JSON.parse(text('tsconfig.build.json')) as { include: string[] };
    const copied = [...text('Dockerfile').matchAll(/^COPY (?!--from)(?:--\S+ )*(.*) \S+$/gm)]
      .flatMap(([, sources = '']) => sources.split(' '))
      .filter((source) => source !== '.')
      .map((source) => source.split('/')[0] ?? '');

    expect(copied).to.include.members(['package.json', 'collect']);
    for (const name of ['tsconfig.json', 'tsconfig.build.json', ...include, ...copied]) {
      expect(ignore.split('\n'), name).to.include(`!${name}`);
    }
  });

  it('runs Redis as its own user, without what root may do, on a volume of before too', () => {
    const script = file.services['redis']?.command?.at(-1) ?? '';

    expect(script).to.match(
      /^chown -R redis:redis \/data && exec setpriv --reuid redis --regid redis /,
    );
    expect(script).to.include(
      ' --no-new-privs --inh-caps=-all --ambient-caps=-all --bounding-set=-all redis-server ',
    );
  });

  it('waits only for services that exist and can say that they are ready', () => {
    for (const [name, { depends_on = {} }] of services) {
      for (const [other, { condition }] of Object.entries(depends_on)) {
        const target = file.services[other];
        expect(target, `${name} waits for ${other}`).not.to.equal(undefined);
        if (condition === 'service_healthy') expect(target?.healthcheck, other).to.be.an('object');
        else {
          expect(condition).to.equal('service_completed_successfully');
          expect(oneShot([other, target ?? {}]), `${other} ends`).to.equal(true);
        }
      }
    }
  });

  it('watches every server, restarts what runs on, and gives it time to stop', () => {
    for (const [name, service] of services.filter((entry) => !oneShot(entry))) {
      expect(service.restart, name).to.equal('unless-stopped');
      expect(service.stop_grace_period, name).to.match(/^\d+[sm]$/);
    }
    for (const [name, { healthcheck }] of servers.filter((entry) => !oneShot(entry))) {
      // Its image is one program.
      if (name === 'nats-exporter') expect(scrapedHosts()).to.include(name);
      else expect(healthcheck?.test, name).to.have.length.above(1);
    }
  });

  it('publishes ports on the loopback interface only, none for what is run several times', () => {
    const ports = services.flatMap(([, { ports: own = [] }]) => own).map(interpolate);

    for (const port of ports) expect(port).to.match(/^127\.0\.0\.1:\d+:\d+$/);
    expect(new Set(ports.map((port) => port.split(':')[1])).size).to.equal(ports.length);
    for (const [name, { ports: own }] of ofSojourn) {
      if (name !== 'dashboard' && name !== 'collect') expect(own, name).to.equal(undefined);
    }
  });

  it('declares every volume it uses, uses every volume it declares, and mounts files that exist', () => {
    const sources = services.flatMap(([, { volumes = [] }]) =>
      volumes.map((v) => v.split(':')[0] ?? ''),
    );
    const [files, names] = [true, false].map((isFile) =>
      sources.filter((source) => source.startsWith('.') === isFile),
    );

    expect(names).to.have.members(Object.keys(file.volumes));
    for (const path of files ?? []) expect(existsSync(join(root, path)), path).to.equal(true);
  });

  describe('settings and passwords', () => {
    const example = text('.env.example');
    const required = new Set<string>();
    const optional = new Set<string>();
    for (const { name, rest } of variablesIn(
      text('docker-compose.yml').replace(/^\s*#.*$/gm, ''),
    )) {
      (rest.startsWith(':?') ? required : optional).add(name);
    }

    it('holds no password: each comes from .env, and is missed by name', () => {
      const secrets = services.flatMap(([service, { environment = {} }]) =>
        Object.entries(environment)
          .filter(([name]) => /PASSWORD|PWD|AUTH|TOKEN|KEY|_URL$/.test(name))
          .map(([name, value]) => ({ what: `${service}.${name}`, value })),
      );

      expect(secrets.length).to.be.above(10);
      for (const { what, value } of secrets) {
        // Where people find something: with a port that has a default, or nowhere unless they say so.
        const isPlainUrl = /^(\w+:\/\/[\w.]+:\d+)?$/.test(
          what.endsWith('_URL') ? interpolate(value) : value,
        );
        const isRequired = variablesIn(value).every(({ rest }) => rest.startsWith(':?'));
        expect(isPlainUrl || (isRequired && value.includes('${')), what).to.equal(true);
      }
    });

    it('has an example of every variable: empty where it has to be set, else a comment', () => {
      const names = (pattern: RegExp) => [...example.matchAll(pattern)].map(([, name]) => name);

      expect(names(/^([A-Z_]+)=$/gm)).to.have.members([...required]);
      expect(names(/^#([A-Z_]+)=.+$/gm)).to.have.members([...optional]);
    });

    it('passes Sojourn only variables that it knows, with values that it accepts', () => {
      const known = new Set(
        [...text('platform/config.ts').matchAll(/^ {2}([A-Z_]+):/gm)].map(([, name]) => name),
      );

      for (const [name, { environment = {} }] of ofSojourn) {
        for (const variable of Object.keys(environment)) expect(known, name).to.include(variable);
        const values = Object.entries(environment).map(([key, value]) => [key, interpolate(value)]);
        const config = loadConfig(Object.fromEntries(values) as Record<string, string>);
        expect(config.NATS_URL, name).to.equal('nats://nats:4222');
        const redis = name === 'dashboard' ? undefined : 'redis://:abc123xyz@redis:6379';
        expect(config.REDIS_URL, name).to.equal(redis);
      }
    });

    it('gives the page what it reads with and nothing else, and lets nobody in without a password', () => {
      const { environment = {}, ports } = file.services['dashboard'] ?? {};
      const given = Object.keys(environment);

      expect(given.filter((name) => /WRITER|ADMIN|MARTS|REDIS/.test(name))).to.deep.equal([]);
      expect(environment).to.include({ CLICKHOUSE_BI_USER: 'sojourn_bi', NATS_USER: 'subscriber' });
      const values = Object.entries(environment).map(([key, value]) => [key, interpolate(value)]);
      const config = loadConfig(Object.fromEntries(values) as Record<string, string>);
      checkPassword(config);
      expect(() => {
        checkPassword({ ...config, DASHBOARD_PASSWORD: undefined });
      }).to.throw('DASHBOARD_PASSWORD');
      expect((ports ?? []).map(interpolate)).to.deep.equal(['127.0.0.1:8090:8090']);
    });

    it('gives the way in for trackers what it publishes with and nothing else', () => {
      const { environment = {}, ports } = file.services['collect'] ?? {};
      const given = Object.keys(environment);

      expect(given.filter((name) => /CLICKHOUSE|TEMPORAL/.test(name))).to.deep.equal([]);
      const values = Object.entries(environment).map(([key, value]) => [key, interpolate(value)]);
      const config = loadConfig(Object.fromEntries(values) as Record<string, string>);
      expect(config.COLLECT_HOST).to.equal('0.0.0.0');
      expect(config.COLLECT_TRUSTED_PROXIES).to.deep.equal([]);
      expect((ports ?? []).map(interpolate)).to.deep.equal(['127.0.0.1:8091:8091']);
    });

    it('asks each process for its health where Prometheus does', () => {
      for (const [name, service] of ofSojourn.filter((entry) => !oneShot(entry))) {
        expect(service.command, name).to.include.members(['--health-port', '8092']);
        expect(service.environment?.['HEALTH_HOST'], name).to.equal('0.0.0.0');
      }
      const scraped = text('compose/prometheus/prometheus.yml');
      const [, names = ''] = /names: \[(.*)\]\n\s+type: A\n\s+port: 8092/.exec(scraped) ?? [];
      expect(names.split(', ')).to.have.members(
        ofSojourn.filter((entry) => !oneShot(entry)).map(([name]) => name),
      );
    });

    it('tells nobody but the migration the password of the ClickHouse administrator', () => {
      const knowing = ofSojourn.filter(([, { environment = {} }]) =>
        Object.keys(environment).some((name) => name.startsWith('CLICKHOUSE_ADMIN')),
      );

      expect(knowing.map(([name]) => name)).to.deep.equal(['migrate']);
    });

    it('makes a .env with a new password for each, once', () => {
      const folder = mkdtempSync(join(tmpdir(), 'sojourn-compose-'));
      try {
        mkdirSync(join(folder, 'compose'));
        copyFileSync(join(root, 'compose/make-env'), join(folder, 'compose/make-env'));
        copyFileSync(join(root, '.env.example'), join(folder, '.env.example'));
        const makeEnv = () =>
          execFileSync('bash', [join(folder, 'compose/make-env')], { stdio: 'pipe' });

        makeEnv();

        const made = parseEnvFile(readFileSync(join(folder, '.env'), 'utf8'));
        expect(Object.keys(made)).to.have.members([...required]);
        for (const value of Object.values(made)) expect(value).to.match(/^[0-9a-f]{48}$/);
        expect(new Set(Object.values(made)).size).to.equal(required.size);
        expect(makeEnv).to.throw('exists already');
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  });
});

describe('the files that docker-compose.yml mounts', () => {
  it('give NATS every password its configuration asks for', () => {
    const asked = [...text('compose/nats/nats.conf').matchAll(/^[^#\n]*password: \$([A-Z_]+)/gm)];
    const environment = file.services['nats']?.environment ?? {};

    expect(asked.map(([, name]) => name)).to.have.members(Object.keys(environment));
  });

  it('let Prometheus scrape services that exist', () => {
    for (const host of scrapedHosts())
      expect([...Object.keys(file.services), '127.0.0.1']).to.include(host);
  });

  it('alert on figures that there are, and the pages tell of each alert', () => {
    const named = alerts().map(({ alert }) => alert);
    const rows = [...text('docs/health.md').matchAll(/^\| `(Sojourn\w+)` \| (\w+) \|/gm)];
    const sections = [...text('docs/operating.md').matchAll(/^#### (Sojourn\w+)$/gm)];
    const figures = [...text('docs/health.md').matchAll(/^\| `(sojourn_\w+)`/gm)];

    expect(new Set(named).size).to.equal(named.length);
    expect(rows.map(([, alert, severity]) => [alert, severity])).to.deep.equal(
      alerts().map(({ alert, labels }) => [alert, labels['severity']]),
    );
    expect(sections.map(([, alert]) => alert)).to.deep.equal(named);
    for (const { alert, expr } of alerts()) {
      const asked = metricsIn(expr);
      expect(asked, alert).not.to.be.empty;
      // What others tell is asked of them (test/integration/health.test.ts).
      expect(
        figures.map(([, name]) => name),
        alert,
      ).to.include.members(asked.filter((name) => name.startsWith('sojourn_')));
    }
  });

  it('say of each alert whether it must wake somebody, what it is, and where it says what to do', () => {
    for (const { alert, labels, annotations } of alerts()) {
      expect(labels['severity'], alert).to.be.oneOf(['critical', 'warning']);
      expect(annotations['summary'], alert).to.match(/^[A-Z].{10,}[^.]$/);
      const [path = '', anchor] = (annotations['runbook'] ?? '').split('#');
      expect(path, alert).to.equal('docs/operating.md');
      expect(anchor, alert).to.equal(alert.toLowerCase());
      const headings = [...text(path).matchAll(/^#+ (\w+)$/gm)].map(([, one]) => one);
      expect(headings, alert).to.include(alert);
    }
  });

  it('try each alert by promtool, both ways', () => {
    const { tests } = readYaml('test/support/alerts.yml') as {
      tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[];
    };
    const tried = tests.flatMap(({ alert_rule_test }) => alert_rule_test);

    for (const { alert } of alerts()) {
      const outcomes = tried.filter(({ alertname }) => alertname === alert);
      expect(
        outcomes.map(({ exp_alerts }) => exp_alerts.length > 0),
        alert,
      ).to.include.members([true, false]);
    }
  });

  it('alert where nothing runs, and on the first dead letters of a process', () => {
    const rules = text('compose/prometheus/alerts.yml');

    expect(rules).to.match(/alert: SojournDown\n\s+expr: absent\(sojourn_server_up\)/);
    // A counter that begins at 37, and stays there, has not increased for Prometheus.
    for (const reason of ['!="quota"', '="quota"']) {
      expect(rules).to.contain(`(sojourn_dead_letters_total{reason${reason}} unless (`);
    }
  });

  it('draw every panel of each dashboard from a data source that is provisioned', () => {
    const { datasources } = readYaml(
      'compose/grafana/provisioning/datasources/datasources.yml',
    ) as {
      datasources: { uid: string; type: string }[];
    };
    for (const [name, dashboard] of dashboards()) {
      const drawn = drawnPanels(dashboard);
      expect(drawn.length, name).to.be.above(10);
      expect(new Set(drawn.map(({ id }) => id)).size, name).to.equal(drawn.length);
      for (const { title, datasource, targets = [] } of drawn) {
        expect(targets, title).not.to.be.empty;
        for (const source of [datasource, ...targets.map((target) => target.datasource)]) {
          expect(
            datasources.map(({ uid, type }) => ({ type, uid })),
            title,
          ).to.deep.include(source);
        }
      }
    }
  });

  it('give Grafana each dashboard under a name of its own, the one on visitors first', () => {
    const { providers } = readYaml('compose/grafana/provisioning/dashboards/dashboards.yml') as {
      providers: { options: { path: string } }[];
    };
    const folders = providers.map(({ options }) => options.path);
    const { volumes = [], environment = {} } = file.services['grafana'] ?? {};
    const home = environment['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH'] ?? '';

    expect(folders).to.have.length(1);
    expect(volumes).to.include(`./compose/grafana/dashboards:${folders[0] ?? ''}:ro`);
    expect([...dashboards().keys()].map((name) => `${folders[0] ?? ''}/${name}`)).to.include(home);
    const uids = [...dashboards().values()].map(({ uid }) => uid);
    expect(uids).to.have.members(['sojourn', 'sojourn-operators']);
  });

  it('alert on each dead letter once, by its project’s quota or as what breaks a rule', () => {
    const exprOf = (name: string) => alerts().find(({ alert }) => alert === name)?.expr ?? '';
    const selectors = (name: string) => [
      ...new Set(
        [...exprOf(name).matchAll(/_letters_total(\{[^}]*\})/g)].map(([, labels]) => labels),
      ),
    ];

    expect(selectors('SojournDeadLetters')).to.deep.equal(['{reason!="quota"}']);
    expect(selectors('SojournOverQuota')).to.deep.equal(['{reason="quota"}']);
  });

  it('draw for operators what projects have used of their quotas, what was over, and the room of EVENTS', () => {
    const operators = dashboards().get('operators.json');
    const drawn = operators === undefined ? [] : drawnPanels(operators);
    const asked = drawn.flatMap(({ targets = [] }) =>
      targets.flatMap(({ expr = '' }) => metricsIn(expr)),
    );

    expect(asked).to.include.members([
      'sojourn_quota_used_ratio',
      'sojourn_events_stored_bytes',
      'sojourn_events_stored_bytes_max',
    ]);
    const overQuota = drawn.find(({ title }) => title === 'Over quota')?.targets ?? [];
    expect(overQuota.map(({ expr = '' }) => metricsIn(expr))).to.deep.equal([
      ['sojourn_dead_letters_total'],
      ['sojourn_collect_refused_total'],
    ]);
  });

  it('put no panel of a dashboard over another one', () => {
    for (const [name, { panels }] of dashboards()) {
      const taken = new Map<string, string>();
      for (const { title, gridPos } of panels) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
            expect(taken.get(`${x} ${y}`), `${name}: ${title}`).to.equal(undefined);
            taken.set(`${x} ${y}`, title);
          }
        }
      }
    }
  });

  it('draw the number to watch first for operators, and know only its rate interval of Grafana', () => {
    const operators = dashboards().get('operators.json');
    const [first, ...others] = operators === undefined ? [] : drawnPanels(operators);

    expect(first?.targets?.map(({ expr }) => expr)).to.deep.equal([
      'max(sojourn_oldest_unloaded_event_age_seconds)',
    ]);
    expect(others.length).to.be.above(20);
    for (const { where, expr } of allExpressions()) {
      expect(expr.replaceAll('$__rate_interval', ''), where).not.to.include('$');
    }
  });
});

describe('the figures of NATS that are kept for tests', () => {
  it('are those of the exporter that Compose runs', () => {
    expect(file.services['nats-exporter']?.image).to.match(new RegExp(`:${NATS_EXPORTER}$`));
    expect(natsExporterNames()).to.include('jetstream_server_total_message_bytes');
  });
});
