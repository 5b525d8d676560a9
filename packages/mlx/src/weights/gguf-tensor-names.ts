import { GGUF_ARCHITECTURES, type GgufArchitecture, ROPE_TENSORS, TOP_LEVEL } from "./gguf-architectures.ts";

/** What a GGUF parameter needs to become the Hugging Face one. */
export type GgufTransform = "none" | "unpermute-q" | "unpermute-k" | "subtract-one";

interface ParsedName {
  layer: string | undefined;
  stem: string;
  kind: string;
}

const NAME = /^(?:blk\.(0|[1-9][0-9]{0,5})\.)?([a-z0-9_]+)\.(weight|bias)$/;

function parseName(name: string): ParsedName | undefined {
  const [, layer, stem, kind] = NAME.exec(name) ?? [];
  return stem === undefined || kind === undefined ? undefined : { layer, stem, kind };
}

/**
 * The Hugging Face name of a GGUF tensor, such as `model.layers.0.self_attn.q_proj.weight` for
 * `blk.0.attn_q.weight`.
 *
 * @param architecture - the file's `general.architecture`
 * @returns undefined for an architecture or tensor that is not known, and for rotary frequencies
 */
export function ggufTensorName(architecture: string, name: string): string | undefined {
  const known = GGUF_ARCHITECTURES.get(architecture);
  const parsed = parseName(name);
  if (known === undefined || parsed === undefined) return undefined;
  const { layer, stem, kind } = parsed;
  if (layer === undefined) return Object.hasOwn(TOP_LEVEL, stem) ? `${TOP_LEVEL[stem]}.${kind}` : undefined;
  return Object.hasOwn(known.block, stem) ? `model.layers.${layer}.${known.block[stem]}.${kind}` : undefined;
}

/** True for tensors that hold rotary frequencies: the config has them as `rope_scaling`. */
export function isGgufRopeTensor(name: string): boolean {
  const parsed = parseName(name);
  return parsed !== undefined && ROPE_TENSORS.has(parsed.stem);
}

/** What llama.cpp's converter did to a parameter and a loader has to undo. */
export function ggufTransform(architecture: string, name: string): GgufTransform {
  const known: GgufArchitecture | undefined = GGUF_ARCHITECTURES.get(architecture);
  const stem = parseName(name)?.stem;
  if (known?.hasPermutedHeads && stem === "attn_q") return "unpermute-q";
  if (known?.hasPermutedHeads && stem === "attn_k") return "unpermute-k";
  if (known?.hasShiftedNorms && stem?.endsWith("_norm") && name.endsWith(".weight")) return "subtract-one";
  return "none";
}

/**
 * Undoes the row order that llama.cpp gives q and k: row `i` of the Hugging Face tensor is row `result[i]` of the
 * GGUF one. Rows are whole, so quantized weights, scales and biases are reordered the same way.
 *
 * @param rows - first dimension of the tensor
 * @param heads - heads in it: attention heads for q, key-value heads for k; must divide `rows` into even parts
 */
export function unpermutedRows(rows: number, heads: number): Int32Array {
  const half = rows / heads / 2;
  const order = new Int32Array(rows);
  for (let i = 0; i < rows; i++) {
    const head = Math.floor(i / (2 * half));
    const within = i % (2 * half);
    // Hugging Face keeps the pair (j, j + half) that GGUF keeps side by side at (2j, 2j + 1)
    order[i] = head * 2 * half + (within < half ? 2 * within : 2 * (within - half) + 1);
  }
  return order;
}
