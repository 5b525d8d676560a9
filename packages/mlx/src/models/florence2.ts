/**
 * Florence 2: DaViT's features with positions, each place and the mean of all, before a question that BART's encoder
 * reads with them.
 *
 * @see mlx-vlm 0.7.10 models/florence2, transformers 5.23 models/florence2
 */
import * as mx from "../core/index.ts";
import { ConfigError } from "../errors.ts";
import { Embedding, LayerNorm, Module } from "../nn/index.ts";
import {
  DavitTower,
  davitConfig,
  type ImageArrays,
  type ImageFeatures,
  imageTiles,
  VisionLanguageModel,
} from "../vision/index.ts";
import type { Architecture } from "./architecture.ts";
import { type Infer, int, list, object, oneOf, parseConfig, record } from "./config.ts";
import { architecture as bart } from "./florence2-text.ts";
import type { LanguageModel } from "./language-model.ts";
import { drop, map, rename, type SanitizeRule } from "./sanitize-rules.ts";
import { transposed } from "./tensor-change.ts";
import { withVision } from "./with-vision.ts";
import { type Raw, wrapText } from "./wrap-text.ts";

const config = {
  vision_config: object({
    ...davitConfig,
    image_feature_source: list(
      oneOf("spatial_avg_pool", "temporal_avg_pool", "last_frame").required(),
    ).default(["spatial_avg_pool", "temporal_avg_pool"]),
    image_pos_embed: object({
      type: oneOf("learned_abs_2d").optional(),
      max_pos_embeddings: int.default(50),
    }).default({ type: undefined, max_pos_embeddings: 50 }),
    visual_temporal_embedding: object({
      type: oneOf("COSINE").optional(),
      max_temporal_embeddings: int.default(100),
    }).default({ type: undefined, max_temporal_embeddings: 100 }),
    projection_dim: int.optional(), // that of the language model
  }).required(),
  text_config: object({ d_model: int.default(768) }).required(),
  image_token_id: int.default(51289),
};
type Config = Infer<typeof config>;
type Source = Config["vision_config"]["image_feature_source"][number];

/** An embedding of each column, and behind it one of each row. */
class GridPositions extends Module {
  row_embeddings: Embedding;
  column_embeddings: Embedding;

  constructor(count: number, dims: number) {
    super();
    this.row_embeddings = new Embedding(count, dims >> 1);
    this.column_embeddings = new Embedding(count, dims - (dims >> 1));
  }

  /** `[rows, columns, E]` */
  forward(rows: number, columns: number): mx.MxArray {
    const ofColumns = this.column_embeddings.forward(mx.arange(0, columns));
    const ofRows = mx.expandDims(this.row_embeddings.forward(mx.arange(0, rows)), 1);
    return mx.concatenate(
      [
        mx.broadcastTo(ofColumns, [rows, columns, ofColumns.dim(-1)]),
        mx.broadcastTo(ofRows, [rows, columns, ofRows.dim(-1)]),
      ],
      -1,
    );
  }
}

/** An embedding of each frame; a picture is the first one. */
class FramePositions extends Module {
  pos_idx_to_embed: mx.MxArray;

  constructor(count: number, dims: number) {
    super();
    this.pos_idx_to_embed = mx.zeros([count, dims]);
  }

  /** `[E]` */
  forward(): mx.MxArray {
    return mx.index(this.pos_idx_to_embed, 0);
  }
}

class Florence2 extends VisionLanguageModel {
  vision_tower: DavitTower;
  image_pos_embed: GridPositions;
  visual_temporal_embed: FramePositions;
  image_projection: mx.MxArray;
  image_proj_norm: LayerNorm;
  readonly #sources: readonly Source[];

  constructor({ vision_config: c, text_config: { d_model }, image_token_id }: Config, text: LanguageModel) {
    super(text, image_token_id);
    const E = c.dim_embed.at(-1);
    if (E === undefined) throw new ConfigError("config.json: expected stages in vision_config.dim_embed");
    this.vision_tower = new DavitTower(c);
    this.image_pos_embed = new GridPositions(c.image_pos_embed.max_pos_embeddings, E);
    this.visual_temporal_embed = new FramePositions(c.visual_temporal_embedding.max_temporal_embeddings, E);
    this.image_projection = mx.zeros([E, d_model]);
    this.image_proj_norm = new LayerNorm(d_model);
    this.#sources = c.image_feature_source;
  }

  embedImage(arrays: ImageArrays): ImageFeatures {
    const pixels = mx.transpose(imageTiles(arrays), [0, 2, 3, 1]); // [1, H, W, C]
    const places = mx.index(this.vision_tower.forward(pixels), 0); // [rows, columns, E]
    const grid = this.image_pos_embed.forward(places.dim(0), places.dim(1));
    const placed = places.add(grid).add(this.visual_temporal_embed.forward());
    const each = mx.flatten(placed, 0, 1); // [N, E]
    const pooled = this.#sources.map((source) =>
      source === "spatial_avg_pool" ? mx.mean(each, [0], true) : each,
    );
    const projected = mx.matmul(mx.concatenate(pooled, 0), this.image_projection);
    return { embeddings: this.image_proj_norm.forward(projected) };
  }
}

const SEEING =
  /^(model\.)?(vision_tower|multi_modal_projector|image_pos_embed|visual_temporal_embed|image_proj_norm)\.|^image_projection$/;

/** transformers' names of what sees, which has no layers around those of a block. */
const fromTransformers: readonly SanitizeRule<unknown>[] = [
  rename(/^model\.(?=vision_tower\.)/, ""),
  rename(/(?<=^vision_tower\.convs\.\d+\.)conv\./, "proj."),
  rename(/(?<=_block\.conv[12]\.)(?!fn\.)/, "fn.dw."),
  rename(/(?<=_block\.(window|channel)_attn\.)(?=qkv|proj)/, "fn."),
  rename(/(?<=_block\.ffn\.)(?=fc)/, "fn.net."),
  rename(/(?<=spatial_block\.)norm1\./, "window_attn.norm."),
  rename(/(?<=channel_block\.)norm1\./, "channel_attn.norm."),
  rename(/(?<=_block\.)norm2\./, "ffn.norm."),
  map(/^model\.multi_modal_projector\.image_projection\.weight$/, [transposed(1, 0)]),
  rename(/^model\.multi_modal_projector\.image_projection\.weight$/, "image_projection"),
  rename(/^model\.multi_modal_projector\.image_position_embed\./, "image_pos_embed."),
  rename(/^model\.multi_modal_projector\./, ""),
];

/** Microsoft's names of settings for transformers'. */
const toMicrosofts = ({ embed_dim, in_channels, ...others }: Raw): Raw => {
  const { max_position_embeddings, max_temporal_embeddings, activation_function: _, ...same } = others;
  return {
    ...same,
    dim_embed: embed_dim,
    in_chans: in_channels,
    image_pos_embed: { max_pos_embeddings: max_position_embeddings },
    visual_temporal_embedding: { max_temporal_embeddings },
  };
};

const microsofts = withVision(
  wrapText(bart, SEEING, undefined, [
    rename(/^model\.language_model\./, "language_model.model."),
    rename(/^lm_head\./, "language_model.lm_head."),
  ]),
  {
    config,
    weights: SEEING,
    create: (c, language_model) => new Florence2(c, language_model),
    sanitize: [
      drop(/position_ids$/),
      ...fromTransformers,
      map(
        /^vision_tower\.convs\.\d+\.proj\.weight$/,
        [transposed(0, 2, 3, 1)],
        (shape) => shape[1] !== shape[2],
      ),
      map(/\.dw\.weight$/, [transposed(0, 2, 3, 1)], (shape) => shape[1] === 1),
    ],
  },
);

export const architecture: Architecture = {
  bind: (raw) => {
    const { vision_config } = parseConfig({ vision_config: record.optional() }, raw).config;
    const isTransformers = vision_config !== undefined && Object.hasOwn(vision_config, "embed_dim");
    return microsofts.bind(isTransformers ? { ...raw, vision_config: toMicrosofts(vision_config) } : raw);
  },
};
