/** Loads the addon with the grammar engine, which a build without Rust does not have. */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { MlxError } from "../errors.ts";

/** The tokens of a tokenizer as the addon keeps them. */
export interface NativeVocabulary {
  readonly native: unique symbol;
}

/** How far a text has come in a grammar; the methods throw once it cannot go on. */
export interface GrammarState {
  /** Writes 1 for each token that may come next, else 0. */
  writeAllowed(allowed: Uint8Array): void;
  /** Goes on by one token; true when nothing may follow it. */
  advance(token: number): boolean;
  /** Gives its memory back at once. */
  free(): void;
}

/** A grammar, ready for texts to begin. */
export interface CompiledGrammar {
  /** Begins a text, which the caller frees. */
  start(): GrammarState;
  /** Gives its memory back at once; texts that have begun go on. */
  free(): void;
}

/** The kinds of grammars that the addon compiles. */
export type GrammarKind = "json_schema" | "regex" | "lark";

interface NativeGrammar {
  /** `bytes` holds one token after another, `lengths` how long each is; an empty one never fits. `ends` end a text. */
  readonly Vocabulary: new (
    bytes: Uint8Array,
    lengths: Uint32Array,
    ends: Uint32Array,
  ) => NativeVocabulary;
  readonly CompiledGrammar: new (
    vocabulary: NativeVocabulary,
    kind: GrammarKind,
    grammar: string,
  ) => CompiledGrammar;
}

const require = createRequire(import.meta.url);
const packageRoot = fileURLToPath(new URL("../../", import.meta.url));
const file = "build/grammar/grammar.node";

/** Where it may lie: built from source, or in the package of the platform. */
const candidates = (): string[] => [
  `${packageRoot}${file}`,
  `@abstractllm/mlx-${process.platform}-${process.arch}/${file}`,
];

/**
 * The addon, loaded when it is first needed. `ABSTRACTLLM_MLX_GRAMMAR=off` does as if there were none.
 *
 * @throws {MlxError} `unsupported-feature` where there is none, with what to do
 */
export const nativeGrammar = (): NativeGrammar => {
  const problems: string[] = [];
  for (const path of process.env.ABSTRACTLLM_MLX_GRAMMAR === "off" ? [] : candidates()) {
    try {
      return require(path) as NativeGrammar;
    } catch (error) {
      problems.push(error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error));
    }
  }
  throw new MlxError(
    "unsupported-feature",
    "This build of @abstractllm/mlx has no grammar engine to constrain answers with. Install Rust " +
      '(https://rustup.rs) and run "npm run setup" again, or install the package of this platform.',
    { details: { feature: "constraint", problems } },
  );
};
