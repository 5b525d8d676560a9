import { type Batch, checkTextSize, padRows, runBatches } from "../batches/index.ts";
import { withRoundedActivations } from "../core/cpu.ts";
import * as mx from "../core/index.ts";
import { MlxError } from "../errors.ts";
import type { PairScorer } from "../models/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { encodePair, type PairTokens } from "./encode-pair.ts";
import { type Answers, encodeQuestion } from "./judge-prompt.ts";
import { checkRerankRequest, type RerankRequest, type Scores } from "./rerank-request.ts";
import type { RerankerSettings, ScoreActivation } from "./reranker-settings.ts";

const activations: Readonly<Record<ScoreActivation, (x: mx.MxArray) => mx.MxArray>> = {
  identity: (x) => x,
  sigmoid: mx.sigmoid,
};

/** What a reranker is made of. */
export interface RerankerParts {
  readonly scorer: PairScorer;
  readonly tokenizer: Tokenizer;
  readonly settings: RerankerSettings;
  /** For a scorer that gives logits of the next token: those that count. */
  readonly answers: Answers | undefined;
  /** All bits of activations in quantized products. */
  readonly exact: boolean;
  readonly device: mx.Device;
}

/** `[B, N] -> [B, 1]` */
const column = (logits: mx.MxArray, at: number): mx.MxArray =>
  mx.slice(logits, [0, at], [logits.dim(0), at + 1]);

/** A model that says how well documents answer a query. Made by `loadReranker`. */
export class Reranker {
  readonly scorer: PairScorer;
  readonly tokenizer: Tokenizer;
  readonly settings: RerankerSettings;
  /** Most tokens of a query with a document; undefined where there is no limit. */
  readonly maxLength: number | undefined;
  readonly #answers: Answers | undefined;
  readonly #exact: boolean;
  readonly #device: mx.Device;

  constructor({ scorer, tokenizer, settings, answers, exact, device }: RerankerParts) {
    this.scorer = scorer;
    this.tokenizer = tokenizer;
    this.settings = settings;
    const limits = [settings.maxLength, scorer.maxLength].filter((limit) => limit !== undefined);
    this.maxLength = limits.length === 0 ? undefined : Math.min(...limits);
    this.#answers = answers;
    this.#exact = exact;
    this.#device = device;
  }

  /**
   * Scores documents by how well they answer a query, some of them at a time; in between others may use the thread.
   *
   * @returns scores in the order of the documents, after the activation that the model's files name
   * @throws {InvalidArgumentError} on bad options
   * @throws {MlxError} `context-length` for a document that is too long beside the query, `unsupported-feature` for an
   *   instruction to a model that takes none, `aborted` once the signal fires
   * @example const { scores } = await reranker.rerank({ query: "Where does water go?", documents: ["To the sea.", "At six."] });
   */
  async rerank(request: RerankRequest, { signal }: { signal?: AbortSignal } = {}): Promise<Scores> {
    checkRerankRequest(request);
    const pairs = await this.#encode(request);
    const lengths = pairs.map(({ tokens }) => tokens.length);
    const scores = new Float32Array(pairs.length);
    const scoreBatch = (batch: Batch): void => {
      for (const [row, score] of this.#scores(batch.flatMap((index) => pairs[index] ?? [])).entries())
        scores[batch[row] ?? 0] = score;
    };
    await runBatches(lengths, scoreBatch, { device: this.#device, signal });
    return { scores, inputTokens: lengths.reduce((sum, length) => sum + length, 0) };
  }

  /** Frees the weights. */
  dispose(): void {
    this.scorer.dispose();
  }

  #encode({ query, documents, instruction, truncate = false }: RerankRequest): Promise<PairTokens[]> {
    const { instruction: standard } = this.settings;
    if (instruction !== undefined && standard === undefined) {
      const message = "The model reads a query and a document, and no instruction; leave it out";
      throw new MlxError("unsupported-feature", message, { details: { feature: "instruction" } });
    }
    checkTextSize(query, "The query");
    const limit = { maxLength: this.maxLength, truncate };
    return Promise.all(
      documents.map((document, index) => {
        checkTextSize(document, `The document at index ${index}`);
        const pair = { query, document, index };
        if (standard === undefined) return encodePair(this.tokenizer, pair, limit);
        return encodeQuestion(this.tokenizer, pair, { ...limit, instruction: instruction ?? standard });
      }),
    );
  }

  #scores(pairs: readonly PairTokens[]): Float32Array {
    const build = () => activations[this.settings.activation](this.#logits(pairs).astype(mx.float32));
    return mx.tidy(() => {
      const scores = this.#exact ? build() : withRoundedActivations(build);
      return scores.toTypedArray() as Float32Array;
    });
  }

  /** `[B, 1]`. The logistic function of a difference of logits is the softmax over the two. */
  #logits(pairs: readonly PairTokens[]): mx.MxArray {
    const logits = this.scorer.forward({
      tokens: padRows(pairs.map(({ tokens }) => tokens)),
      ...(this.settings.tellsTextsApart ? { types: padRows(pairs.map(({ types = [] }) => types)) } : {}),
      lengths: pairs.map(({ tokens }) => tokens.length),
    }); // [B, N]
    if (this.#answers === undefined) return logits;
    const { yes, no } = this.#answers;
    return mx.subtract(column(logits, yes).astype(mx.float32), column(logits, no).astype(mx.float32));
  }
}
