/** What models with images are made of: towers, and prompts in which images stand. */
export { CLIP, ClipTower, clipTowerConfig, SIGLIP, type TowerKind } from "./clip-tower.ts";
export { GridAttention, type Segments } from "./grid-attention.ts";
export { ImagePrompt } from "./image-prompt.ts";
export { PatchEmbedding } from "./patch-embedding.ts";
export { gridAngles, type PatchGrid, patchGrid, patchPositions, tokenGrid } from "./patch-grid.ts";
export { GridMerger, PatchVolumes } from "./qwen-parts.ts";
export { VisionAttention } from "./vision-attention.ts";
export {
  type ImageArrays,
  type ImageFeatures,
  imageArray,
  imageTiles,
  VisionLanguageModel,
} from "./vision-language-model.ts";
export { VolumeEmbedding } from "./volume-embedding.ts";
