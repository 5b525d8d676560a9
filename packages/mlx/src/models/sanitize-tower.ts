/** Rules for the weights of vision towers that several architectures share. */
import { drop, map, rename, type SanitizeRule } from "./sanitize-rules.ts";
import { transposed } from "./tensor-change.ts";

const CHANNELS = 3; // red, green, blue

/** Kernels over rows and columns, whose channels PyTorch puts first. */
const moveImageChannels = map<unknown>(
  /patch_(embedding|embed\.proj|conv)\.weight$/,
  [transposed(0, 2, 3, 1)],
  (shape) => shape.length === 4 && shape.at(-1) !== CHANNELS,
);

/** CLIP's and SigLIP's towers, in the layouts of transformers and of converted checkpoints. */
export const fitTower: readonly SanitizeRule<unknown>[] = [
  rename(/^model\./, ""),
  drop(/position_ids$/),
  moveImageChannels,
];

/** The keys of Qwen's towers, whatever a checkpoint calls them. */
export const QWEN_TOWER = /^(model\.)?(language_model\.)?(visual|vision_tower)\./;

/** Qwen's towers, whose kernels go over frames as well. */
export const fitQwenTower: readonly SanitizeRule<unknown>[] = [
  rename(QWEN_TOWER, "vision_tower."),
  drop(/position_ids$/),
  map<unknown>(
    /patch_embed\.proj\.weight$/,
    [transposed(0, 2, 3, 4, 1)],
    (shape) => shape.at(-1) !== CHANNELS,
  ),
];

/** The keys of Pixtral's tower and projector, whatever a checkpoint calls them. */
export const PIXTRAL_TOWER =
  /^(model\.)?(vision_tower|vision_encoder|multi_modal_projector|vision_projection)\./;

/** Pixtral's tower, which transformers has without `vision_model`. */
export const fitPixtralTower: readonly SanitizeRule<unknown>[] = [
  rename(/^model\./, ""),
  rename(/^vision_encoder\./, "vision_tower."),
  rename(/^vision_projection\./, "multi_modal_projector."),
  rename(/^vision_tower\.(?!vision_model\.)/, "vision_tower.vision_model."),
  drop(/position_ids$/),
  moveImageChannels,
];

/** GLM's towers: Qwen's names, and a convolution over squares of patches. */
export const fitGlmTower: readonly SanitizeRule<unknown>[] = [
  ...fitQwenTower,
  map<unknown>(/downsample\.weight$/, [transposed(0, 2, 3, 1)], (shape) => shape[1] !== shape[2]),
];

/** MoonViT's towers, without the `encoder` that published ones have, and with the layers of attention together. */
export const fitMoonViT: readonly SanitizeRule<unknown>[] = [
  ...fitTower,
  rename(/^vision_tower\.encoder\./, "vision_tower."),
  rename(/(?<=^vision_tower\.blocks\.\d+\.)(?=w(qkv|o)\.)/, "attn."),
];
