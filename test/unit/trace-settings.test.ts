import { expect } from 'chai';
import { pino } from 'pino';
import { type Environment, loadConfig } from '../../platform/config.ts';
import { traceSettings, wantsTraces } from '../../platform/trace-settings.ts';
import { openTracing } from '../../platform/tracing.ts';

const ON = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
const settingsOf = (env: Environment) => traceSettings(loadConfig(env));
const faultOf = (env: Environment) => {
  const settings = settingsOf(env);
  return settings !== undefined && 'fault' in settings ? settings.fault : expect.fail('no fault');
};

describe('where traces are sent', () => {
  it('is told by the names that OpenTelemetry has for it', () => {
    const headers = 'authorization=Bearer%20a%3Db, x-team = shop,';

    expect(settingsOf(ON)).to.deep.equal({
      endpoint: ON.OTEL_EXPORTER_OTLP_ENDPOINT,
      headers: {},
      serviceName: 'sojourn',
    });
    expect(
      settingsOf({
        ...ON,
        OTEL_EXPORTER_OTLP_HEADERS: headers,
        OTEL_SERVICE_NAME: 'numbers',
        OTEL_TRACES_EXPORTER: 'otlp',
      }),
    ).to.deep.equal({
      endpoint: ON.OTEL_EXPORTER_OTLP_ENDPOINT,
      headers: { authorization: 'Bearer a=b', 'x-team': 'shop' },
      serviceName: 'numbers',
    });
  });

  it('is nowhere unless a collector is named, and where it is said so', () => {
    const others = { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_HEADERS: '50%' };
    const off: Environment[] = [
      {},
      others,
      { ...ON, OTEL_TRACES_EXPORTER: 'none' },
      { ...ON, OTEL_SDK_DISABLED: 'TRUE' },
      { ...others, OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317', OTEL_TRACES_EXPORTER: 'none' },
    ];

    for (const env of off) {
      expect(settingsOf(env), JSON.stringify(env)).to.equal(undefined);
      expect(wantsTraces(loadConfig(env))).to.equal(false);
    }
  });

  it('is told what is wrong with it, without a word of its secret', () => {
    const fault = faultOf({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_TRACES_EXPORTER: 'otlp,console',
    });

    expect(fault).to.contain('OTEL_EXPORTER_OTLP_ENDPOINT must be a URL, got "collector:4317"');
    expect(fault).to.contain('OTEL_EXPORTER_OTLP_PROTOCOL must be http/json, got "grpc"');
    expect(fault).to.contain('OTEL_TRACES_EXPORTER must be otlp, got "otlp,console"');
    for (const wrong of ['hidden', 'a=hidden,b', 'a=%hidden', 'a b=hidden', 'a=hidden%0d%0ab']) {
      expect(faultOf({ ...ON, OTEL_EXPORTER_OTLP_HEADERS: wrong }), wrong)
        .to.contain('OTEL_EXPORTER_OTLP_HEADERS')
        .and.not.to.contain('hidden');
    }
    expect(
      faultOf({ ...ON, OTEL_EXPORTER_OTLP_ENDPOINT: 'ftp://me:hidden@collector' }),
    ).to.not.contain('hidden');
  });

  it('leaves traces off where it cannot be, and says so in one line', async () => {
    const lines: { msg: string }[] = [];
    const log = pino({}, { write: (line) => lines.push(JSON.parse(line) as { msg: string }) });

    const tracing = await openTracing(
      loadConfig({ ...ON, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }),
      log,
    );

    expect(tracing).to.equal(undefined);
    expect(lines.map(({ msg }) => msg)).to.deep.equal([
      'traces stay off: OTEL_EXPORTER_OTLP_PROTOCOL must be http/json, got "grpc"',
    ]);
  });
});
