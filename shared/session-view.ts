/** A session as people are shown it: the query `state`, the current details in the Temporal UI. */
import type { Act, ActNote } from './acts.ts';
import type { Actor } from './actor.ts';
import { isLateRun, nextStep } from './next-step.ts';
import type { EndReason, SessionStatus } from './rollup.ts';
import { figuresOf } from './session.ts';
import type { Attributes } from './event.ts';
import type { PurseWire } from './purse.ts';
import { isTurning } from './turning.ts';

/** As {@link Act}, with its time in RFC 3339, UTC. */
export type Asked = Omit<Act, 'at'> & { readonly at: string };

export interface SessionView {
  readonly project: string;
  readonly sessionId: string;
  readonly status: SessionStatus;
  readonly endReason?: EndReason;
  /** RFC 3339, UTC. */
  readonly firstEventAt: string;
  readonly lastEventAt: string;
  readonly durationSeconds: number;
  readonly events: number;
  readonly heartbeats?: number;
  readonly pageViews: number;
  readonly conversions: number;
  readonly revenue: string;
  readonly revenueByCurrency?: PurseWire;
  readonly engaged: boolean;
  readonly bounced: boolean;
  readonly attributes: Attributes;
  readonly entryPath?: string;
  readonly exitPath?: string;
  readonly newUser?: boolean;
  /** First run of the session, and how often it has written. */
  readonly firstRunId: string;
  readonly writes: number;
  /** Everything folded in so far has been handed over. */
  readonly written: boolean;
  /** SESSION_CHECKPOINT is off: what is not written yet comes with the end. */
  readonly writesAtEnd?: true;
  /** The session absorbs late events of a session that had ended, and settles soon. */
  readonly settling: boolean;
  /** An operator has taken it out of the numbers. */
  readonly excluded?: true;
  /** What operators have asked of it, the latest first. */
  readonly asked?: readonly Asked[];
  /** It is on its way out of them, or back; or to other definitions. */
  readonly turning?: true;
  /** Why the last `exclude` or `include` was not done; or the last `restate`. */
  readonly refused?: string;
  /** The version of the definitions that it goes by; workers of earlier versions do not say it. */
  readonly catalogue?: number;
  /** When the session ends or writes next if nothing more arrives. */
  readonly nextStepAt?: string;
}

/**
 * The actor as people read it.
 * @param now epoch milliseconds, by the workflow's clock
 */
export function viewOf(actor: Actor, now: number, endReason?: EndReason): SessionView {
  const facts = figuresOf(actor.state, actor.user?.isNew);
  if (facts === undefined) throw new RangeError('a session without events cannot be shown');
  const { firstEventAt, lastEventAt, durationMs, ...figures } = facts;
  const step = endReason === undefined ? nextStep(actor, now) : undefined;
  const refused = actor.refused ?? actor.restateRefused;
  return {
    project: actor.project,
    sessionId: actor.sessionId,
    status: endReason === undefined ? 'open' : 'ended',
    ...(endReason && { endReason }),
    firstEventAt: new Date(firstEventAt).toISOString(),
    lastEventAt: new Date(lastEventAt).toISOString(),
    durationSeconds: durationMs / 1_000,
    ...figures,
    firstRunId: actor.identity,
    writes: actor.writeNo,
    written: actor.shown?.events === actor.state.events && !actor.owesMore,
    ...(actor.settings.checkpointMs === null && { writesAtEnd: true as const }),
    settling: endReason === undefined && isLateRun(actor),
    ...(actor.excluded && { excluded: true as const }),
    ...(actor.acts.length > 0 && { asked: askedOf(actor.acts) }),
    ...(isTurning(actor) && { turning: true as const }),
    ...(refused !== undefined && { refused }),
    catalogue: actor.state.catalogue.version,
    ...(step?.do === 'wait' && { nextStepAt: new Date(step.until).toISOString() }),
  };
}

function askedOf(acts: readonly Act[]): Asked[] {
  return acts.toReversed().map(({ at, ...act }) => ({ ...act, at: new Date(at).toISOString() }));
}

/** The session in Markdown, for the Temporal UI: what tells it apart first, since the panel there is low. */
export function describeInMarkdown(view: SessionView): string {
  const { attributes } = view;
  const figures = present([
    ['Page views', view.pageViews],
    ['Events', view.events],
    ['Conversions', view.conversions],
    ['Revenue', view.revenue === '0' ? undefined : moneyOf(view)],
    ['Bounced', view.bounced ? 'yes' : 'no'],
    ['Writes', `${view.writes}${view.written ? '' : ', more to come'}`],
    ['Next', view.nextStepAt],
  ]);
  const texts = present([
    ['Entry', view.entryPath],
    ['Exit', view.exitPath],
    ['User', attributes.userId],
    ['Source', attributes.trafficSource],
    ['Channel', attributes.channel],
    ['Campaign', attributes.campaign],
    ['Bot', attributes.bot && 'yes'],
  ]);
  const rows = Array.from(
    { length: Math.max(figures.length, texts.length) },
    (_, row) => `| ${figures[row] ?? EMPTY} | ${texts[row] ?? EMPTY} |`,
  );
  const ended = view.endReason === undefined ? '' : ` (${view.endReason})${enderOf(view)}`;
  const out = view.excluded ? `, **excluded** by ${excluderOf(view)}` : '';
  return [
    `**${view.status}**${ended}${out} · ${headlineOf(view)}`,
    '',
    `${view.firstEventAt} to ${view.lastEventAt}, ${view.durationSeconds} s`,
    '',
    '| | | | |',
    '|-|-|-|-|',
    ...rows,
  ].join('\n');
}

/** Of a session that an older version has excluded nobody knows who did it. */
function excluderOf({ asked = [] }: SessionView): string {
  return nameOf(
    asked.find(({ act, refused }) => act === 'exclude' && refused !== true),
    'an operator',
  );
}

/** Of one that was cancelled nobody knows who did it, but who has asked for its end before. */
function enderOf({ endReason, asked = [] }: SessionView): string {
  const end = endReason === 'operator' ? asked.find(({ act }) => act === 'end') : undefined;
  const isNamed = end?.by !== undefined || end?.reason !== undefined;
  return isNamed ? `, asked by ${nameOf(end, 'an operator')}` : '';
}

function nameOf({ by, reason }: ActNote = {}, nobody: string): string {
  const who = by === undefined ? nobody : escapeCell(by);
  return reason === undefined ? who : `${who} (${escapeCell(reason)})`;
}

const EMPTY = ' | ';

/** `DE · mobile · newsletter · 7 pages · 42.9 EUR · engaged` */
function headlineOf(view: SessionView): string {
  const { country, deviceType, trafficSource, channel } = view.attributes;
  const pages = view.pageViews === 1 ? '1 page' : `${view.pageViews} pages`;
  const engaged = view.engaged ? 'engaged' : 'not engaged';
  const money = view.revenue === '0' ? undefined : moneyOf(view);
  return [country, deviceType, trafficSource ?? channel, pages, money, engaged]
    .flatMap((text) => (text === undefined ? [] : [escapeCell(text)]))
    .join(' · ');
}

/** With its currency, where there is one and no other. */
function moneyOf({ revenue, revenueByCurrency = {} }: SessionView): string {
  const [only, ...others] = Object.keys(revenueByCurrency);
  return only === undefined || others.length > 0 ? revenue : `${revenue} ${only}`.trim();
}

function present(
  cells: readonly (readonly [string, string | number | undefined])[],
): readonly string[] {
  return cells.flatMap(([name, value]) =>
    value === undefined ? [] : [`${name} | ${escapeCell(String(value))}`],
  );
}

/** Text from producers must not become markup. */
function escapeCell(text: string): string {
  return text
    .slice(0, 200)
    .replace(/\s+/g, ' ')
    .replace(/[\\`*_{}[\]<>()#+!|~]/g, '\\$&');
}
