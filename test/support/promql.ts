/** Expressions of Prometheus, as far as one can read them without it: which metrics they ask for, and where ours stand. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const root = fileURLToPath(new URL('../..', import.meta.url));
const text = (path: string) => readFileSync(join(root, path), 'utf8');

const ALERTS = 'compose/prometheus/alerts.yml';
const DASHBOARDS = 'compose/grafana/dashboards';

export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface Panel {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly description?: string;
  readonly datasource: { readonly type: string; readonly uid: string };
  readonly gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>>;
  readonly targets?: readonly {
    readonly expr?: string;
    readonly datasource: { readonly type: string; readonly uid: string };
  }[];
  readonly panels?: readonly Panel[];
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
}

export interface Expression {
  /** The alert, or the panel. */
  readonly where: string;
  readonly expr: string;
}

export function alerts(): readonly Alert[] {
  const { groups } = parse(text(ALERTS)) as { groups: { rules: Alert[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

/** All that Grafana is given, by file. */
export function dashboards(): ReadonlyMap<string, Dashboard> {
  return new Map(
    readdirSync(join(root, DASHBOARDS)).map((name) => [
      name,
      JSON.parse(text(join(DASHBOARDS, name))) as Dashboard,
    ]),
  );
}

/** A row that is folded up holds its panels. */
export function drawnPanels({ panels }: Dashboard): readonly Panel[] {
  return panels.flatMap((panel) => (panel.type === 'row' ? (panel.panels ?? []) : [panel]));
}

export function allExpressions(): readonly Expression[] {
  const panels = [...dashboards().values()].flatMap(drawnPanels);
  return [
    ...alerts().map(({ alert, expr }) => ({ where: alert, expr })),
    ...panels.flatMap(({ title, targets = [] }) =>
      targets.flatMap(({ expr }) => (expr === undefined ? [] : [{ where: title, expr }])),
    ),
  ];
}

/** Words that are no metrics, where they stand alone. */
const WORDS = new Set(['and', 'or', 'unless', 'bool', 'inf', 'nan']);

/** Names of metrics that an expression asks for. */
export function metricsIn(expr: string): readonly string[] {
  const bare = expr
    .replace(/"[^"]*"/g, '')
    .replace(/\{[^}]*\}/g, '')
    .replace(/\[[^\]]*\]/g, '')
    .replace(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, '')
    .replace(/\boffset\s+\w+/g, '');
  const words = bare.match(/(?<![\w.:])[a-zA-Z_:][\w:]*\b(?!\s*\()/g) ?? [];
  return [...new Set(words.filter((word) => !WORDS.has(word.toLowerCase())))];
}
