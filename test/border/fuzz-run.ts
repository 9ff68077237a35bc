/** Many messages from one seed, each compared; counts, and the slowest. */
import { randomOf } from '../support/random.ts';
import { compare } from './compare.ts';
import { generateMessage } from './generate.ts';

export interface FuzzFigures {
  messages: number;
  events: number;
  deadLetters: number;
  /** Messages of which an event or a letter was lost, wrong or too many. */
  wrong: number;
  thrown: number;
  bytes: number;
  parsingMs: number;
  slowestMs: number;
  slowestBytes: number;
  /** The first few, in words, each with the number of its message. */
  readonly complaints: string[];
}

const COMPLAINTS_MAX = 10;
const COMPLAINT_CHARS_MAX = 600;

export interface FuzzOptions {
  readonly messages: number;
  readonly seed: number;
  /** Called now and then. */
  readonly progress?: (figures: Readonly<FuzzFigures>) => void;
}

const PROGRESS_EVERY = 2_000;

export function fuzz({ messages, seed, progress }: FuzzOptions): FuzzFigures {
  const random = randomOf(seed);
  const figures: FuzzFigures = {
    messages: 0,
    events: 0,
    deadLetters: 0,
    wrong: 0,
    thrown: 0,
    bytes: 0,
    parsingMs: 0,
    slowestMs: 0,
    slowestBytes: 0,
    complaints: [],
  };
  for (let seq = 1; seq <= messages; seq += 1) {
    const message = generateMessage(random, seq);
    const { events, letters, tookMs, complaint } = compare(message);
    figures.messages += 1;
    figures.events += events;
    figures.deadLetters += letters;
    figures.bytes += message.data.length;
    figures.parsingMs += tookMs;
    if (tookMs > figures.slowestMs) {
      figures.slowestMs = tookMs;
      figures.slowestBytes = message.data.length;
    }
    if (complaint !== undefined) complain(figures, seq, complaint);
    if (seq % PROGRESS_EVERY === 0) progress?.(figures);
  }
  return figures;
}

function complain(figures: FuzzFigures, seq: number, complaint: string): void {
  if (complaint.startsWith('thrown')) figures.thrown += 1;
  else figures.wrong += 1;
  if (figures.complaints.length >= COMPLAINTS_MAX) return;
  figures.complaints.push(`message ${seq}: ${complaint.slice(0, COMPLAINT_CHARS_MAX)}`);
}
