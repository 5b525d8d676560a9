/** An async iterable fed from outside. */

/** Values wait for their reader; `end` or `fail` comes last. One reader. */
export class PartQueue<T> {
  readonly #values: T[] = [];
  #wake: (() => void) | undefined;
  #isEnded = false;
  #failure: { reason: unknown } | undefined;

  push(value: T): void {
    if (this.#isEnded) return;
    this.#values.push(value);
    this.#wake?.();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake?.();
  }

  fail(error: unknown): void {
    if (this.#isEnded) return;
    this.#failure = { reason: error };
    this.end();
  }

  async *read(): AsyncGenerator<T> {
    for (;;) {
      if (this.#values.length > 0) {
        yield this.#values.shift() as T;
        continue;
      }
      if (this.#isEnded) break;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    if (this.#failure !== undefined) throw this.#failure.reason;
  }
}
