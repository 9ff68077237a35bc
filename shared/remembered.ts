/**
 * What a session knew, worked out from what the engine keeps of its run, where the run itself can no longer
 * be asked: one that was closed before its first workflow task was done, or whose tasks fail.
 *
 * Everything that was told to it is in its history. Of what it wrote, the history shows what the session had
 * learnt of; a write that it did not live to learn of is found again under its number by the next run. Writes that go
 * along with workflow tasks are not in it: the log has them, for as long as the session has not ended by itself.
 *
 * Whether it was on its way out of the numbers, or to other definitions, is not looked for: it is as it began, and what an
 * operator wanted is done once more. That is exact, for what it has written is known.
 */
import {
  type Actor,
  noteAct,
  openActor,
  receive,
  type RecognizedUser,
  type SessionInput,
  type SessionSnapshot,
  snapshotOf,
} from './actor.ts';
import { isBatch } from './batch.ts';
import { want } from './exclusion.ts';
import { rollupSubject } from './ids.ts';
import { isRestateRequest, wantRestated } from './restating.ts';
import type { Rollup } from './rollup.ts';
import {
  confirmWrite,
  rebase,
  takeOpening,
  takeUser,
  writeResult,
  type WriteResult,
} from './write.ts';

/** One thing that a run's history tells, in its order. `at`: epoch milliseconds. */
export type Memory =
  | { readonly kind: 'task done'; readonly at: number }
  /** Whatever came as the signal `events`. */
  | { readonly kind: 'events'; readonly batch: unknown; readonly at: number }
  | { readonly kind: 'written'; readonly result: WriteResult; readonly at: number }
  | { readonly kind: 'recognized'; readonly user: RecognizedUser }
  /** An operator wants the session to be excluded, or not to be. */
  | {
      readonly kind: 'wanted';
      readonly isExcluded: boolean;
      /** Whatever came as the argument. */
      readonly note: unknown;
      readonly at: number;
    }
  /** An operator wants it to end; whatever came as the argument. That it has not is for its next run to find out. */
  | { readonly kind: 'to end'; readonly note: unknown; readonly at: number }
  /** An operator wants the session to go by other definitions; whatever came as the argument. */
  | { readonly kind: 'restated'; readonly request: unknown }
  | { readonly kind: 'loaded'; readonly snapshot: SessionSnapshot | null };

/**
 * The snapshot that a run would have left.
 * @param input the run's argument
 * @param chain first run of its chain
 */
export function rememberedSnapshot(
  input: SessionInput,
  chain: string,
  memories: readonly Memory[],
): SessionSnapshot {
  const actor = openActor(input, chain, input.batch.sentAt ?? 0);
  let { opening } = input;
  /** A write of another chain, until the session has learnt what that chain knew. */
  let foreign: WriteResult | undefined;
  for (const memory of memories) {
    if (memory.kind === 'task done' && opening !== undefined) {
      // The record was in the log before the task could end.
      takeOpening(actor, opening, memory.at);
      opening = undefined;
    }
    if (memory.kind === 'events' && isBatch(memory.batch)) receive(actor, memory.batch, memory.at);
    if (memory.kind === 'written') foreign = take(actor, memory);
    if (memory.kind === 'recognized') takeUser(actor, memory.user);
    takeWanted(actor, memory);
    if (memory.kind === 'loaded' && foreign !== undefined) {
      rebase(actor, memory.snapshot, foreign);
      foreign = undefined;
    }
  }
  return snapshotOf(actor, actor.reopenedAfter);
}

/**
 * A run whose writes go along with its workflow tasks, as far as its history tells: all that it was told. What it
 * wrote, the log has ({@link takeRecord}).
 */
export function toldActor(input: SessionInput, chain: string, memories: readonly Memory[]): Actor {
  const actor = openActor(input, chain, input.batch.sentAt ?? 0);
  for (const memory of memories) {
    if (memory.kind === 'events' && isBatch(memory.batch)) receive(actor, memory.batch, memory.at);
    takeWanted(actor, memory);
  }
  return actor;
}

/** What operators want, as the session takes it. */
function takeWanted(actor: Actor, memory: Memory): void {
  if (memory.kind === 'to end') noteAct(actor, 'end', memory.note, memory.at);
  if (memory.kind === 'wanted') {
    want(actor, memory.isExcluded);
    noteAct(actor, memory.isExcluded ? 'exclude' : 'include', memory.note, memory.at);
  }
  if (memory.kind === 'restated' && isRestateRequest(memory.request)) {
    wantRestated(actor, memory.request);
  }
}

/** Where in the log the actor's next write would stand. */
export function nextSubject({ partition, identity, writeNo }: Actor): string {
  return rollupSubject(partition, identity, writeNo + 1);
}

/** Takes over what stands there. @returns false where there is nothing, or what another chain wrote */
export function takeRecord(actor: Actor, record: Rollup | undefined): boolean {
  if (record?.by !== actor.chain) return false;
  return confirmWrite(actor, writeResult(record), record.session.updatedAt);
}

/** @returns the write where another chain wrote it */
function take(
  actor: Actor,
  { result, at }: Extract<Memory, { kind: 'written' }>,
): WriteResult | undefined {
  return confirmWrite(actor, result, at) ? undefined : result;
}
