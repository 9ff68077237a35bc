/**
 * W3C extended logs, as IIS (spaces between values), CloudFront (tabs) and others write them: `#Fields` says what the
 * values are, and may change in the middle of a file; `#Date` is the day where lines have a time only.
 */
import { fault, NOTHING, type Tracked } from '../../trackers/event.ts';
import { timeOf } from '../../trackers/values.ts';
import type { FileReader, FormatOptions, ImportFormat } from './format.ts';
import { lineReader } from './lines.ts';
import { logged, readPageRequest } from './page-request.ts';

export const w3c: ImportFormat = {
  name: 'w3c',
  about: 'access logs with a line #Fields: IIS, CloudFront, and others that write W3C extended',
  takes: 'lines',
  usesSalt: true,
  usesHost: true,
  open,
};

function open(options: FormatOptions): FileReader {
  let names: readonly string[] | undefined;
  let day: string | undefined;
  return lineReader((line) => {
    if (line.startsWith('#')) {
      const directive = /^#(Fields|Date):[ \t]*/i.exec(line);
      const rest = line.slice(directive?.[0].length ?? line.length).trim();
      if (directive?.[1]?.toLowerCase() === 'fields') names = rest.toLowerCase().split(/[ \t]+/);
      else if (/^\d{4}-\d{2}-\d{2}/.test(rest)) day = rest.slice(0, 10);
      return NOTHING;
    }
    if (line.trim() === '') return NOTHING;
    if (names === undefined) return fault('a line #Fields must come before the first request');
    return readExtended(names, line, day, options);
  });
}

/** A line by the names of its values, in lower case; of a name that comes twice, the first. */
function readExtended(
  names: readonly string[],
  line: string,
  day: string | undefined,
  { salt, host }: FormatOptions,
): Tracked {
  const isTabbed = line.includes('\t');
  const values = isTabbed ? line.split('\t') : splitSpaces(line);
  if (values.length < names.length) {
    return fault(`the line has ${values.length} values, but #Fields names ${names.length}`);
  }
  const value = (...wanted: readonly string[]): string | undefined => {
    for (const name of wanted) {
      const found = logged(values[names.indexOf(name)]);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  // CloudFront writes what is not plain, spaces too, as addresses do.
  const decoded = (text: string | undefined) => (isTabbed ? percentDecoded(text) : text);
  const stem = value('cs-uri-stem', 'cs-uri');
  const query = value('cs-uri-query');
  const hasAgents = names.includes('cs(user-agent)');
  const forwarded = value('x-forwarded-for', 'cs(x-forwarded-for)');
  const userAgent = decoded(value('cs(user-agent)'));
  return readPageRequest(
    {
      at: timeOfLine(value('date') ?? day, value('time'), value('timestamp(ms)', 'timestamp')),
      method: value('cs-method'),
      target: stem === undefined || query === undefined ? stem : `${stem}?${query}`,
      status: numberOfStatus(value('sc-status')),
      host: (value('x-host-header', 'cs-host', 'cs(host)') ?? host)?.replace(/:\d{1,5}$/, ''),
      address: decoded(forwarded)?.split(',')[0]?.trim() ?? value('c-ip'),
      userAgent,
      tellsAgents: hasAgents,
      referrer: decoded(value('cs(referer)', 'cs(referrer)')),
      userId: value('cs-username'),
    },
    salt,
  );
}

/** Spaces part values; one in quotes may have some, and two quotes for one. */
function splitSpaces(line: string): string[] {
  if (!line.includes('"')) return line.trimEnd().split(' ');
  const values: string[] = [];
  for (let at = 0; at < line.length; at += 1) {
    if (line.charCodeAt(at) === 0x22) {
      let end = line.indexOf('"', at + 1);
      while (end >= 0 && line.charCodeAt(end + 1) === 0x22) end = line.indexOf('"', end + 2);
      const stop = end < 0 ? line.length : end;
      values.push(line.slice(at + 1, stop).replaceAll('""', '"'));
      at = stop + 1;
    } else {
      const space = line.indexOf(' ', at);
      const stop = space < 0 ? line.length : space;
      values.push(line.slice(at, stop));
      at = stop;
    }
  }
  return values;
}

/** In UTC, as the format says. */
function timeOfLine(
  day: string | undefined,
  time: string | undefined,
  stamp: string | undefined,
): number | undefined {
  if (day !== undefined && time !== undefined) {
    return timeOf(`${day}T${/^\d\d:\d\d$/.test(time) ? `${time}:00` : time}Z`);
  }
  if (stamp === undefined) return undefined;
  return /^\d{9,10}$/.test(stamp) ? Number(stamp) * 1_000 : timeOf(stamp);
}

function numberOfStatus(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{3}$/.test(text) ? Number(text) : undefined;
}

/** Twice where it was encoded twice, as older logs of CloudFront have it. */
function percentDecoded(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const once = decodedOnce(text);
  return text.includes('%25') && /%[0-9a-f]{2}/i.test(once) ? decodedOnce(once) : once;
}

function decodedOnce(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
