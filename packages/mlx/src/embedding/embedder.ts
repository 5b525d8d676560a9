import { type Batch, padRows, runBatches } from "../batches/index.ts";
import { pool, type Span } from "../blocks/pooling.ts";
import { withRoundedActivations } from "../core/cpu.ts";
import * as mx from "../core/index.ts";
import type { EncoderModel } from "../models/index.ts";
import { gelu, relu, silu } from "../nn/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { checkEmbedRequest, type Embeddings, type EmbedRequest } from "./embed-request.ts";
import type { DenseActivation, EmbeddingSettings } from "./embedding-settings.ts";
import { encodeText } from "./encode-text.ts";
import { choosePrompt } from "./text-prompts.ts";

const activations: Readonly<Record<DenseActivation, (x: mx.MxArray) => mx.MxArray>> = {
  identity: (x) => x,
  tanh: mx.tanh,
  relu,
  gelu,
  silu,
};

/** What an embedder is made of. */
export interface EmbedderParts {
  readonly encoder: EncoderModel;
  readonly tokenizer: Tokenizer;
  readonly settings: EmbeddingSettings;
  /** All bits of activations in quantized products. */
  readonly exact: boolean;
  readonly device: mx.Device;
}

/** A text on its way. */
interface EncodedText {
  readonly tokens: readonly number[];
  /** The first token that counts in the pooling. */
  readonly start: number;
}

/** Writes the first numbers of a vector to `out`, at length 1 when it is to be normalized. */
const finish = (vector: Float32Array, out: Float32Array, normalizes: boolean): void => {
  let squares = 0;
  for (let i = 0; i < out.length; i++) squares += (vector[i] ?? 0) ** 2;
  const length = normalizes ? Math.max(Math.sqrt(squares), 1e-12) : 1;
  for (let i = 0; i < out.length; i++) out[i] = (vector[i] ?? 0) / length;
};

/** A model that makes vectors of texts. Made by `loadEmbedder`. */
export class Embedder {
  readonly encoder: EncoderModel;
  readonly tokenizer: Tokenizer;
  readonly settings: EmbeddingSettings;
  /** Numbers per vector. */
  readonly dimensions: number;
  /** Most tokens of a text; undefined where there is no limit. */
  readonly maxLength: number | undefined;
  readonly #exact: boolean;
  readonly #device: mx.Device;

  constructor({ encoder, tokenizer, settings, exact, device }: EmbedderParts) {
    this.encoder = encoder;
    this.tokenizer = tokenizer;
    this.settings = settings;
    this.dimensions = settings.dense.at(-1)?.outputDims ?? encoder.dims * settings.pooling.length;
    const limits = [settings.maxLength, encoder.maxLength].filter((limit) => limit !== undefined);
    this.maxLength = limits.length === 0 ? undefined : Math.min(...limits);
    this.#exact = exact;
    this.#device = device;
  }

  /**
   * Makes vectors of texts, some of them at a time; in between others may use the thread.
   *
   * @throws {InvalidArgumentError} on bad options, and for a text without tokens
   * @throws {MlxError} `context-length` for a text that is too long, `unsupported-feature` for an input type or instruction
   *   that the model's prompts do not know, `aborted` once the signal fires
   * @example const { vectors, dimensions } = await embedder.embed({ texts: ["a small town"] });
   */
  async embed(request: EmbedRequest, { signal }: { signal?: AbortSignal } = {}): Promise<Embeddings> {
    checkEmbedRequest(request, this.dimensions);
    const texts = await this.#encode(request);
    const lengths = texts.map(({ tokens }) => tokens.length);
    const dimensions = request.dimensions ?? this.dimensions;
    const vectors = new Float32Array(texts.length * dimensions);
    const embedBatch = (batch: Batch): void => {
      for (const [row, vector] of this.#vectors(texts, batch).entries()) {
        const at = (batch[row] ?? 0) * dimensions;
        finish(vector, vectors.subarray(at, at + dimensions), this.settings.normalizes);
      }
    };
    await runBatches(lengths, embedBatch, { device: this.#device, signal });
    return { vectors, dimensions, inputTokens: lengths.reduce((sum, length) => sum + length, 0) };
  }

  /** Frees the weights. */
  dispose(): void {
    this.encoder.dispose();
  }

  async #encode({ texts, inputType, instruction, truncate = false }: EmbedRequest): Promise<EncodedText[]> {
    const { prompts, lowerCases, poolsPrompt } = this.settings;
    const prompt = choosePrompt(prompts, { type: inputType, instruction });
    const promptLength = poolsPrompt || prompt === "" ? 0 : await this.#promptLength(prompt);
    const options = { prompt, maxLength: this.maxLength, truncate, lowerCases };
    return Promise.all(
      texts.map(async (text, index) => {
        const tokens = await encodeText(this.tokenizer, text, { ...options, index });
        return { tokens, start: Math.min(promptLength, tokens.length - 1) };
      }),
    );
  }

  /** Tokens of a prompt with what the tokenizer puts before texts, and not with what it puts behind them. */
  async #promptLength(prompt: string): Promise<number> {
    const tokens = await this.tokenizer.encode(prompt);
    const bare = await this.tokenizer.encode(prompt, { addSpecialTokens: false });
    const last = tokens.at(-1);
    const endsInMark = tokens.length > bare.length && last !== undefined && last !== bare.at(-1);
    return tokens.length - (endsInMark ? 1 : 0);
  }

  /** One vector of each text of a batch, before it is shortened and normalized. */
  #vectors(texts: readonly EncodedText[], batch: Batch): Float32Array[] {
    const rows = batch.flatMap((index) => texts[index] ?? []);
    const flat = mx.tidy(() => this.#forward(rows).toTypedArray() as Float32Array);
    const width = flat.length / rows.length;
    return rows.map((_, row) => flat.subarray(row * width, (row + 1) * width));
  }

  /** `[B, dimensions]`, float32. */
  #forward(rows: readonly EncodedText[]): mx.MxArray {
    const build = () => {
      const tokens = padRows(rows.map((row) => row.tokens));
      const lengths = rows.map((row) => row.tokens.length);
      const states = this.encoder.forward(tokens, lengths); // [B, L, E]
      const spans = rows.map(({ tokens, start }): Span => ({ start, end: tokens.length }));
      const pooled = pool(states, spans, this.settings.pooling);
      const layers = this.encoder.dense ?? [];
      return layers.reduce((x, layer, i) => {
        const activation = activations[this.settings.dense[i]?.activation ?? "identity"];
        return activation(layer.forward(x)).astype(mx.float32);
      }, pooled);
    };
    return this.#exact ? build() : withRoundedActivations(build);
  }
}
