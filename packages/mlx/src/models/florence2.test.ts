import { expect, it } from "vitest";
import { arange, float32, type MxArray, reshape, tidy, transpose, zeros } from "../core/index.ts";
import { resolveArchitecture } from "./registry.ts";

const tower = {
  depths: [1, 1],
  num_heads: [2, 2],
  num_groups: [2, 2],
  patch_size: [7, 3],
  patch_stride: [4, 2],
  patch_padding: [3, 1],
  patch_prenorm: [false, true],
  window_size: 3,
};
const text_config = { d_model: 16, vocab_size: 32, encoder_layers: 1, decoder_layers: 1 };
const microsofts = {
  model_type: "florence2",
  text_config: { model_type: "florence2_language", ...text_config },
  vision_config: {
    model_type: "davit",
    ...tower,
    dim_embed: [8, 16],
    image_pos_embed: { type: "learned_abs_2d", max_pos_embeddings: 9 },
    visual_temporal_embedding: { type: "COSINE", max_temporal_embeddings: 5 },
  },
};
const transformers = {
  model_type: "florence2",
  text_config: { model_type: "bart", ...text_config },
  vision_config: {
    model_type: "florence_vision",
    ...tower,
    activation_function: "gelu",
    embed_dim: [8, 16],
    in_channels: 3,
    initializer_range: 0.02,
    max_position_embeddings: 9,
    max_temporal_embeddings: 5,
    projection_dim: 16,
  },
};

/** Weights of a block's half by transformers' names, with their shapes. */
const half = (path: string, attention: string, E: number): [string, number[]][] => [
  ...["conv1", "conv2"].flatMap((name): [string, number[]][] => [
    [`${path}.${name}.weight`, [E, 1, 3, 3]],
    [`${path}.${name}.bias`, [E]],
  ]),
  ...["norm1", "norm2"].flatMap((name): [string, number[]][] => [
    [`${path}.${name}.weight`, [E]],
    [`${path}.${name}.bias`, [E]],
  ]),
  [`${path}.${attention}.qkv.weight`, [3 * E, E]],
  [`${path}.${attention}.qkv.bias`, [3 * E]],
  [`${path}.${attention}.proj.weight`, [E, E]],
  [`${path}.${attention}.proj.bias`, [E]],
  [`${path}.ffn.fc1.weight`, [4 * E, E]],
  [`${path}.ffn.fc1.bias`, [4 * E]],
  [`${path}.ffn.fc2.weight`, [E, 4 * E]],
  [`${path}.ffn.fc2.bias`, [E]],
];

const stage = (at: number, inputs: number, E: number, side: number, normed: number): [string, number[]][] => [
  [`model.vision_tower.convs.${at}.conv.weight`, [E, inputs, side, side]],
  [`model.vision_tower.convs.${at}.conv.bias`, [E]],
  [`model.vision_tower.convs.${at}.norm.weight`, [normed]],
  [`model.vision_tower.convs.${at}.norm.bias`, [normed]],
  ...half(`model.vision_tower.blocks.${at}.0.spatial_block`, "window_attn", E),
  ...half(`model.vision_tower.blocks.${at}.0.channel_block`, "channel_attn", E),
];

const PROJECTOR = "model.multi_modal_projector";
const seeing: [string, number[]][] = [
  ...stage(0, 3, 8, 7, 8),
  ...stage(1, 8, 16, 3, 8),
  [`${PROJECTOR}.image_projection.weight`, [16, 16]],
  [`${PROJECTOR}.image_proj_norm.weight`, [16]],
  [`${PROJECTOR}.image_proj_norm.bias`, [16]],
  [`${PROJECTOR}.image_position_embed.row_embeddings.weight`, [9, 8]],
  [`${PROJECTOR}.image_position_embed.column_embeddings.weight`, [9, 8]],
  [`${PROJECTOR}.visual_temporal_embed.pos_idx_to_embed`, [5, 16]],
];

const bind = async (config: Readonly<Record<string, unknown>>) => {
  const { vision } = await resolveArchitecture(config);
  if (vision === undefined) throw new Error("sees nothing");
  return vision.bind();
};

it("is the same model by Microsoft's settings and by those of transformers", async () => {
  const [one, other] = [await bind(microsofts), await bind(transformers)];
  expect([one.unknownKeys, other.unknownKeys]).toEqual([[], []]);
  const shapesOf = ({ create }: typeof one) =>
    tidy(() => [...create().parameters()].map(([name, { shape }]) => [name, shape]));
  expect(shapesOf(other)).toEqual(shapesOf(one));
});

it("takes transformers' weights", async () => {
  const architecture = await bind(transformers);
  tidy(() => {
    const model = architecture.create();
    const own = [...model.parameters()].filter(([name]) => name.startsWith("language_model.model."));
    const spoken = own.map(([name, { shape }]): [string, number[]] => [
      name.replace("language_model.model.", "model.language_model."),
      [...shape],
    ]);
    const raw = new Map(
      [...seeing, ...spoken].map(([name, shape]): [string, MxArray] => [name, zeros(shape)]),
    );
    const square = reshape(arange(0, 256, 1, float32), [16, 16]);
    raw.set(`${PROJECTOR}.image_projection.weight`, square);
    const weights = architecture.sanitize(raw);
    expect(weights.get("image_projection")?.toArray()).toEqual(transpose(square, [1, 0]).toArray());
    model.loadWeights(weights); // which refuses any that is missing, unexpected or of another shape
    expect(weights.get("language_model.lm_head.weight")?.shape).toEqual([32, 16]);
  });
});
