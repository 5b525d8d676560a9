import type { MxArray } from "../core/index.ts";
import type { LanguageModel } from "../models/language-model.ts";
import type { Module } from "../nn/index.ts";
import { type PatchGrid, patchGrid, tokenGrid } from "./patch-grid.ts";
import {
  type ImageArrays,
  type ImageFeatures,
  imageArray,
  VisionLanguageModel,
} from "./vision-language-model.ts";

/** A tower that reads an image's patches by rows and columns. */
export interface GridTower extends Module {
  /** Patches `[N, C * T * P * P]` to a row per token. */
  forward(patches: MxArray, grid: PatchGrid): MxArray;
}

/** A model whose tokens of an image have rows and columns, as Qwen's and GLM's. */
export class GridVisionModel extends VisionLanguageModel {
  vision_tower: GridTower;
  readonly #merge: number;

  /** @param merge - patches along a side that become one token */
  constructor(language_model: LanguageModel, imageTokenId: number, vision_tower: GridTower, merge: number) {
    super(language_model, imageTokenId);
    this.vision_tower = vision_tower;
    this.#merge = merge;
  }

  embedImage(arrays: ImageArrays): ImageFeatures {
    const grid = patchGrid(arrays, this.#merge);
    const embeddings = this.vision_tower.forward(imageArray(arrays, "pixel_values"), grid);
    return { embeddings, grid: tokenGrid(grid) };
  }
}
