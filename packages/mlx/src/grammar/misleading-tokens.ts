import type { Grammar } from "../engine/constraint.ts";
import { boundedJson } from "./bounded-json.ts";
import type { CompiledGrammars } from "./compiled-grammars.ts";
import { RecentlyUsed } from "./recently-used.ts";
import type { TokenSpelling } from "./token-spelling.ts";

/** Of ids and characters of keys together: few marks have any misleading tokens. */
const KEPT = 2 ** 20;
const ANYTHING: Grammar = { regex: "(?s:.*)" };

interface MisleadingOptions {
  readonly grammars: CompiledGrammars;
  readonly spelling: TokenSpelling;
  /** Length of the logits. */
  readonly vocabSize: number;
}

/** Finds the tokens that would end a mark and not go on as what follows it does. */
export class MisleadingTokens {
  readonly #options: MisleadingOptions;
  readonly #kept = new RecentlyUsed<readonly number[]>(KEPT);

  constructor(options: MisleadingOptions) {
    this.#options = options;
  }

  /**
   * @param rest - what is missing of the mark
   * @param grammar - what follows the mark
   */
  find(rest: string, grammar: Grammar): readonly number[] {
    const key = boundedJson([rest, grammar]);
    const known = key === undefined ? undefined : this.#kept.get(key);
    if (known !== undefined) return known;
    const ids = this.#find(rest, grammar);
    if (key !== undefined) this.#kept.add(key, ids, key.length + ids.length);
    return ids;
  }

  #find(rest: string, grammar: Grammar): readonly number[] {
    const length = Buffer.byteLength(rest);
    const goesFurther = (id: number): boolean => this.#options.spelling.bytes(id).length > length;
    const opening = this.#allowedBy([rest, ANYTHING]).filter(goesFurther);
    if (opening.length === 0) return [];
    const right = new Set(this.#allowedBy([rest, grammar]));
    return opening.filter((id) => !right.has(id));
  }

  /** The tokens that a text of a grammar can begin with. */
  #allowedBy(grammar: Grammar): number[] {
    const state = this.#options.grammars.start({ grammar });
    const allowed = new Uint8Array(this.#options.vocabSize);
    try {
      state.writeAllowed(allowed);
    } catch {
      return []; // the engine refuses to go on where no token fits
    } finally {
      state.free();
    }
    const ids: number[] = [];
    for (let id = allowed.indexOf(1); id >= 0; id = allowed.indexOf(1, id + 1)) ids.push(id);
    return ids;
  }
}
