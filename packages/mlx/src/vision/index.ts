/** What models with images are made of: towers, and prompts in which images stand. */
export {
  CLIP,
  ClipBlocks,
  ClipEncoder,
  ClipTower,
  clipTowerConfig,
  SIGLIP,
  type TowerKind,
} from "./clip-tower.ts";
export { FastVitTower, fastVitConfig } from "./fast-vit-tower.ts";
export { GeluLayer } from "./gelu-layer.ts";
export { Gemma4Tower, gemma4TowerConfig } from "./gemma4-tower.ts";
export { GlmTower } from "./glm-tower.ts";
export { GridAttention, type Segments } from "./grid-attention.ts";
export { type GridTower, GridVisionModel } from "./grid-vision-model.ts";
export { ImagePrompt } from "./image-prompt.ts";
export { MllamaTower, mllamaTowerConfig } from "./mllama-tower.ts";
export { MobileNetTower, mobileNetConfig } from "./mobilenet-tower.ts";
export { MolmoTower, molmoTowerConfig } from "./molmo-tower.ts";
export { MoonViT, type MoonViTConfig } from "./moon-vit-tower.ts";
export { cutPatches, PatchEmbedding } from "./patch-embedding.ts";
export { gridAngles, type PatchGrid, patchGrid, patchPositions, tokenGrid } from "./patch-grid.ts";
export { patchSquares } from "./patch-squares.ts";
export { PixtralTower, pixtralTowerConfig } from "./pixtral-tower.ts";
export { GridBlock, GridMerger, PatchVolumes } from "./qwen-parts.ts";
export { Qwen3Tower, qwen3TowerConfig } from "./qwen3-tower.ts";
export { type ResizeOptions, resizeGrid } from "./resize-grid.ts";
export { SamTower, samTowerConfig } from "./sam-tower.ts";
export { tablePositions } from "./table-positions.ts";
export { toImageArrays } from "./to-image-arrays.ts";
export { VisionAttention } from "./vision-attention.ts";
export {
  type ImageArrays,
  type ImageFeatures,
  imageArray,
  imageTiles,
  VisionLanguageModel,
} from "./vision-language-model.ts";
export { type TowerActivation, VisionMLP } from "./vision-mlp.ts";
export { VolumeEmbedding } from "./volume-embedding.ts";
