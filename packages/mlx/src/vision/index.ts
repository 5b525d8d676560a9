/** What models with images are made of: towers, and prompts in which images stand. */
export { CLIP, ClipTower, clipTowerConfig, SIGLIP, type TowerKind } from "./clip-tower.ts";
export { ImagePrompt } from "./image-prompt.ts";
export { PatchEmbedding } from "./patch-embedding.ts";
export { VisionAttention } from "./vision-attention.ts";
export {
  type ImageArrays,
  type ImageFeatures,
  imageArray,
  imageTiles,
  VisionLanguageModel,
} from "./vision-language-model.ts";
