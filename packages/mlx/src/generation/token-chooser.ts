import type { MxArray } from "../core/index.ts";
import type { LogitsProcessor } from "./logits-processors.ts";
import type { Sampler } from "./sampler.ts";

/** How a sequence chooses its tokens: penalties, then a sampler, with what both remember of those chosen before. */
export class TokenChooser {
  readonly #sampler: Sampler;
  readonly #processors: readonly LogitsProcessor[];

  constructor(sampler: Sampler, processors: readonly LogitsProcessor[]) {
    this.#sampler = sampler;
    this.#processors = processors;
  }

  /** Whether it takes the likeliest token whatever came before. */
  get isPlain(): boolean {
    return this.#sampler.isGreedy && this.#processors.length === 0;
  }

  /**
   * Logits `[1, V]` to the next token `[1]`.
   *
   * @param restrict - leaves only those that may come
   */
  choose(logits: MxArray, restrict: (logits: MxArray) => MxArray = (all) => all): MxArray {
    const processed = this.#processors.reduce((last, processor) => processor.apply(last), logits);
    const token = this.#sampler.sample(restrict(processed));
    for (const processor of this.#processors) processor.observe(token);
    return token;
  }

  /** One that would choose the same from here on, to try what would be chosen. */
  fork(): TokenChooser {
    return new TokenChooser(
      this.#sampler.fork(),
      this.#processors.map((processor) => processor.fork()),
    );
  }

  dispose(): void {
    for (const processor of this.#processors) processor.dispose();
    this.#sampler.dispose();
  }
}
