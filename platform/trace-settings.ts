/**
 * Where traces are sent. The variables are OpenTelemetry's: where a whole cluster has them, for other programs, they may
 * say what is nothing for us. So what is wrong with them is said, and leaves traces off; it ends no process.
 */
import type { Config } from './config.ts';
import { publicAddress } from './secrets.ts';

export interface TraceSettings {
  /** Of the collector, without `/v1/traces`. */
  readonly endpoint: string;
  /** Sent with each request; may be secrets. */
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
}

/** Why traces stay off, though a collector is named: one sentence, without a secret. */
export interface TracesFault {
  readonly fault: string;
}

/** @returns undefined where nobody wants traces */
export function traceSettings(config: Config): TraceSettings | TracesFault | undefined {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SDK_DISABLED: disabled = '' } = config;
  const { OTEL_TRACES_EXPORTER: exporter = 'otlp' } = config;
  const { OTEL_EXPORTER_OTLP_PROTOCOL: protocol = 'http/json' } = config;
  if (endpoint === undefined || exporter === 'none' || disabled.toLowerCase() === 'true') {
    return undefined;
  }
  const headers = readHeaders(config.OTEL_EXPORTER_OTLP_HEADERS);
  const faults = [
    ...(isWebAddress(endpoint)
      ? []
      : [`OTEL_EXPORTER_OTLP_ENDPOINT must be a URL, got ${quoted(publicAddress(endpoint))}`]),
    ...(exporter === 'otlp' ? [] : [`OTEL_TRACES_EXPORTER must be otlp, got ${quoted(exporter)}`]),
    ...(protocol === 'http/json'
      ? []
      : [`OTEL_EXPORTER_OTLP_PROTOCOL must be http/json, got ${quoted(protocol)}`]),
    ...(headers === undefined
      ? ['OTEL_EXPORTER_OTLP_HEADERS must be name=value, several separated by commas']
      : []),
  ];
  return headers === undefined || faults.length > 0
    ? { fault: faults.join('; ') }
    : { endpoint, headers, serviceName: config.OTEL_SERVICE_NAME };
}

/** Whether traces are recorded here: a collector is named, and can be told of them. */
export function wantsTraces(config: Config): boolean {
  const settings = traceSettings(config);
  return settings !== undefined && !('fault' in settings);
}

const quoted = (text: string) => JSON.stringify(text);

function isWebAddress(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);
}

/** Values are encoded as in a URL, as OpenTelemetry has it. @returns undefined where there is something else */
function readHeaders(list = ''): Record<string, string> | undefined {
  const headers: Record<string, string> = {};
  for (const one of list.split(',')) {
    // A comma at the end is no header.
    if (one.trim() === '') continue;
    const [, name, value = ''] = /^\s*([\w!#$%&'*+.^`|~-]+)\s*=(.*)$/.exec(one) ?? [];
    const decoded = decode(value.trim());
    if (name === undefined || decoded === undefined || !/^[\x20-\x7e]*$/.test(decoded)) {
      return undefined;
    }
    headers[name] = decoded;
  }
  return headers;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
