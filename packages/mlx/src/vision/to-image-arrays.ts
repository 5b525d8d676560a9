import { array, float32, int32, type MxArray } from "../core/index.ts";
import type { PixelArray, ProcessedImage } from "../images/index.ts";
import type { ImageArrays } from "./vision-language-model.ts";

const toArray = ({ data, shape }: PixelArray): MxArray =>
  array(data, data instanceof Int32Array ? int32 : float32, shape);

/** The arrays of an image, as a model's `embedImage` takes them. */
export const toImageArrays = ({ arrays }: Pick<ProcessedImage, "arrays">): ImageArrays =>
  Object.fromEntries(Object.entries(arrays).map(([name, pixels]) => [name, toArray(pixels)]));
