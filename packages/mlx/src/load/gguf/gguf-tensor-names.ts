import { type GgufRow, topTensors } from "./gguf-row.ts";

/** Tensors that describe rotary frequencies; they become `rope_scaling` in the config, not parameters. */
const ROPE_TENSORS: ReadonlySet<string> = new Set([
  "rope_freqs",
  "rope_factors_long",
  "rope_factors_short",
  "attn_rot_embd",
]);

const NAME =
  /^(?:blk\.(0|[1-9][0-9]{0,5})\.)?([a-z0-9_]+(?:\.(?:conv|in_proj|out_proj))?)(?:\.(weight|bias|scale))?$/;

interface ParsedName {
  readonly layer: number | undefined;
  readonly stem: string;
  readonly kind: string | undefined;
}

const parseName = (name: string): ParsedName | undefined => {
  const [, layer, stem, kind] = NAME.exec(name) ?? [];
  return stem === undefined
    ? undefined
    : { layer: layer === undefined ? undefined : Number(layer), stem, kind };
};

/** Layer, stem and kind of a GGUF tensor; undefined for a name that cannot be one. */
export const ggufStem = (name: string): string | undefined => parseName(name)?.stem;

/** The layer of a GGUF tensor; undefined outside the layers. */
export const ggufLayer = (name: string): number | undefined => parseName(name)?.layer;

/** True for tensors that hold rotary frequencies: the config has them as `rope_scaling`. */
export const isGgufRopeTensor = (name: string): boolean => ROPE_TENSORS.has(ggufStem(name) ?? "");

/**
 * The parameter of a GGUF tensor, such as `model.layers.0.self_attn.q_proj.weight` for `blk.0.attn_q.weight`; null for
 * one that the model does without.
 *
 * @returns undefined for a tensor that the row does not know
 */
export const ggufTensorName = (row: GgufRow, name: string): string | null | undefined => {
  const parsed = parseName(name);
  if (parsed === undefined) return undefined;
  const { layer, stem, kind } = parsed;
  const table: GgufRow["tensors"] = layer === undefined ? (row.top ?? topTensors) : row.tensors;
  const prefix = layer === undefined ? "" : `${row.layers ?? "model.layers"}.${layer}.`;
  const exact = `${stem}.${kind ?? ""}`;
  if (Object.hasOwn(table, exact)) return table[exact] === null ? null : `${prefix}${table[exact]}`;
  if (kind === undefined || kind === "scale" || !Object.hasOwn(table, stem)) return undefined;
  return table[stem] === null ? null : `${prefix}${table[stem]}.${kind}`;
};
