/** What the page uses of htm/preact/standalone.module.js, which brings no types of its own for hooks. */

/** What `html` makes. Its parts are known to the library alone. */
export interface VNode {
  readonly type: unknown;
}

export function html(strings: TemplateStringsArray, ...values: unknown[]): VNode;
export function render(tree: VNode, parent: Element): void;
export function useState<T>(initial: T): [T, (next: T | ((before: T) => T)) => void];
export function useEffect(effect: () => unknown, inputs?: readonly unknown[]): void;
export function useRef<T>(initial: T): { current: T };
export function useCallback<F>(callback: F, inputs: readonly unknown[]): F;
