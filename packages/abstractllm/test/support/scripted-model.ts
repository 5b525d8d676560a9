import { writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Embedding size; more than there are tokens, so that each has a dimension of its own. */
const SIZE = 64;

/** A model that always continues a token with the same other one. */
export interface ScriptedModel {
  chatTemplate: string;
  /**
   * Tokens in the order in which they follow each other; each may be in one chain only. The last one ends the answer, or
   * goes round where it is the chain's own.
   */
  chains: readonly (readonly string[])[];
  /** Tokens that a tokenizer leaves out of texts unless it is told not to. */
  specialTokens: readonly string[];
}

/** Tokens that every model has, with these ids. */
export const UNKNOWN_AND_END = ["<|unknown|>", "<|end|>"] as const;

const [UNKNOWN, END] = UNKNOWN_AND_END;

/** Writes a Llama checkpoint whose embeddings are the tokens and whose head is the step from each to the next. */
export async function writeScriptedModel(folder: string, script: ScriptedModel): Promise<void> {
  const tokens = scriptedTokens(script);
  if (tokens.length > SIZE) throw new Error(`Expected at most ${SIZE - 2} tokens`);
  const write = (name: string, content: object) => writeFile(join(folder, name), JSON.stringify(content));
  await write("config.json", configOf(tokens));
  await write("tokenizer_config.json", { chat_template: script.chatTemplate, eos_token: END });
  await write("tokenizer.json", tokenizerOf(tokens, script.specialTokens));
  await writeFile(join(folder, "model.safetensors"), scriptedWeights(tokens, stepsOf(script)));
}

/** The config of a Llama whose vocabulary are these tokens, of which the second ends an answer. */
export function configOf(tokens: readonly string[]): object {
  return {
    model_type: "llama",
    hidden_size: SIZE,
    num_hidden_layers: 1,
    intermediate_size: SIZE,
    num_attention_heads: 2,
    rms_norm_eps: 1e-6,
    vocab_size: tokens.length,
    max_position_embeddings: 4096,
    tie_word_embeddings: false,
    eos_token_id: 1,
  };
}

/** The tokens of a script, by their ids. */
export function scriptedTokens({ chains }: ScriptedModel): string[] {
  return [...UNKNOWN_AND_END, ...new Set(chains.flat())];
}

/** What follows each token. */
export function stepsOf({ chains }: ScriptedModel): Map<string, string> {
  const next = new Map<string, string>();
  for (const chain of chains) {
    for (const [index, token] of chain.entries()) {
      if (!next.has(token)) next.set(token, chain[index + 1] ?? END);
    }
  }
  return next;
}

/** A `tokenizer.json` that knows these tokens and nothing else. */
export function tokenizerOf(tokens: readonly string[], special: readonly string[]): object {
  return {
    version: "1.0",
    added_tokens: tokens.map((content, id) => ({
      id,
      content,
      special: id < 2 || special.includes(content),
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    })),
    normalizer: null,
    pre_tokenizer: { type: "WhitespaceSplit" },
    post_processor: null,
    decoder: { type: "Fuse" },
    model: {
      type: "WordLevel",
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      unk_token: UNKNOWN,
    },
  };
}

function scriptedWeights(tokens: readonly string[], next: ReadonlyMap<string, string>): Buffer {
  const embedding = new Float32Array(tokens.length * SIZE);
  const head = new Float32Array(tokens.length * SIZE);
  for (const [id, token] of tokens.entries()) {
    embedding[id * SIZE + id] = 1;
    head[tokens.indexOf(next.get(token) ?? END) * SIZE + id] = 10;
  }
  return weightsOf(tokens, embedding, head);
}

/** A checkpoint whose one layer adds nothing: the head sees the embedding of the last token. */
export function weightsOf(tokens: readonly string[], embedding: Float32Array, head: Float32Array): Buffer {
  const layer = "model.layers.0";
  const square = new Float32Array(SIZE * SIZE); // zeros: the layer adds nothing
  const ones = new Float32Array(SIZE).fill(1);
  return safetensors({
    "model.embed_tokens.weight": [[tokens.length, SIZE], embedding],
    "lm_head.weight": [[tokens.length, SIZE], head],
    "model.norm.weight": [[SIZE], ones],
    [`${layer}.input_layernorm.weight`]: [[SIZE], ones],
    [`${layer}.post_attention_layernorm.weight`]: [[SIZE], ones],
    ...Object.fromEntries(
      ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"]
        .concat(["mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"])
        .map((name) => [`${layer}.${name}.weight`, [[SIZE, SIZE], square]]),
    ),
  });
}

function safetensors(
  arrays: Record<string, readonly [shape: readonly number[], data: Float32Array]>,
): Buffer {
  let offset = 0;
  const header: Record<string, object> = {};
  for (const [name, [shape, data]] of Object.entries(arrays)) {
    header[name] = { dtype: "F32", shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const data = Object.values(arrays).map(([, values]) => Buffer.from(values.buffer));
  return Buffer.concat([length, text, ...data]);
}
