/** An async iterable fed from outside. */

/** Values wait for their reader; `end` or `fail` comes last. One reader. */
export class PartQueue<T> {
  readonly #values: T[] = [];
  #wake: (() => void) | undefined;
  #isEnded = false;
  #error: unknown;

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
    this.#error = error;
    this.end();
  }

  async *read(): AsyncGenerator<T> {
    for (;;) {
      const value = this.#values.shift();
      if (value !== undefined) {
        yield value;
        continue;
      }
      if (this.#isEnded) break;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    if (this.#error !== undefined) throw this.#error;
  }
}
