/** A session as people are shown it: the query `state`, the current details in the Temporal UI. */
import type { Actor } from './actor.ts';
import { isLateRun, nextStep } from './next-step.ts';
import type { EndReason, SessionStatus } from './rollup.ts';
import { figuresOf } from './session.ts';
import type { Attributes } from './event.ts';
import type { PurseWire } from './purse.ts';
import { isTurning } from './turning.ts';

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
  /** It is on its way out of them, or back. */
  readonly turning?: true;
  /** Why the last `exclude` or `include` was not done. */
  readonly refused?: string;
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
    ...(isTurning(actor) && { turning: true as const }),
    ...(actor.refused !== undefined && { refused: actor.refused }),
    ...(step?.do === 'wait' && { nextStepAt: new Date(step.until).toISOString() }),
  };
}

/** The session in Markdown, for the Temporal UI. */
export function describeInMarkdown(view: SessionView): string {
  const { attributes } = view;
  const cells: readonly (readonly [string, string | number | undefined])[] = [
    ['Page views', view.pageViews],
    ['Events', view.events],
    ['Duration', `${view.durationSeconds} s`],
    ['Conversions', view.conversions],
    ['Revenue', view.revenue === '0' ? undefined : view.revenue],
    ['Engaged', view.engaged ? 'yes' : 'no'],
    ['Bounced', view.bounced ? 'yes' : 'no'],
    ['Entry', view.entryPath],
    ['Exit', view.exitPath],
    ['User', attributes.userId],
    ['Source', attributes.trafficSource],
    ['Channel', attributes.channel],
    ['Campaign', attributes.campaign],
    ['Country', attributes.country],
    ['Device', attributes.deviceType],
    ['Bot', attributes.bot && 'yes'],
    ['Writes', view.writes],
  ];
  const lines = cells.flatMap(([name, value]) =>
    value === undefined ? [] : [`| ${name} | ${escapeCell(String(value))} |`],
  );
  const title = `**${view.status}**${view.endReason ? ` (${view.endReason})` : ''}${view.excluded ? ', **excluded** by an operator' : ''}`;
  return [
    `${title}: ${view.firstEventAt} to ${view.lastEventAt}`,
    '',
    '| | |',
    '|-|-|',
    ...lines,
  ].join('\n');
}

/** Text from producers must not become markup. */
function escapeCell(text: string): string {
  return text
    .slice(0, 200)
    .replace(/\s+/g, ' ')
    .replace(/[\\`*_{}[\]<>()#+!|~]/g, '\\$&');
}
