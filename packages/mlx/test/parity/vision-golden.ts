/** Golden files of models that see, and their models. */

import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as mx from "../../src/core/index.ts";
import { type BoundArchitecture, resolveArchitecture } from "../../src/models/index.ts";
import { type ImageFeatures, VisionLanguageModel } from "../../src/vision/index.ts";
import { type GoldenCheckpoint, readGolden } from "./golden.ts";
import { randomTensor } from "./random-weights.ts";

/** An array of one image: integers, or the shape of generated numbers. */
type GoldenArray =
  | { readonly integers: readonly number[] | readonly (readonly number[])[] }
  | { readonly shape: readonly number[] };

/** A model that sees and a prompt with images, with what Python mlx-vlm made of it. */
export interface VisionGolden {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly seed: number;
  readonly normCenter: number;
  readonly weightsSha256: string;
  /** Python's parameters and their shapes, where ours are named otherwise. */
  readonly parameters?: Readonly<Record<string, readonly number[]>>;
  readonly images: readonly Readonly<Record<string, GoldenArray>>[];
  readonly prompt: readonly number[];
  /** What the decoder starts with where an encoder reads the prompt: the logits `prefill` has are of these. */
  readonly start?: readonly number[];
  /** Input embeddings of the prompt, `[L, E]`. */
  readonly embeddings: { readonly values: string };
  /** Of the prompt, `[L, V]`. */
  readonly prefill: { readonly logits: string };
  /** Single tokens after the prompt, and the logits of each, `[n, V]`. */
  readonly steps: { readonly tokens: readonly number[]; readonly logits: string };
  readonly checkpoints: readonly GoldenCheckpoint[];
}

/** Every golden of a model that sees: architecture and its cases. */
export function readVisionGoldens(): { architecture: string; cases: readonly VisionGolden[] }[] {
  const folder = fileURLToPath(new URL("../goldens/vision/", import.meta.url));
  return readdirSync(folder).map((file) => ({
    architecture: file.slice(0, -".json".length),
    cases: readGolden<{ cases: VisionGolden[] }>(`vision/${file}`).cases,
  }));
}

/** The architecture of a golden with its tower. */
export async function seeingArchitecture({ config }: VisionGolden): Promise<BoundArchitecture> {
  const { vision } = await resolveArchitecture(config);
  if (vision === undefined) throw new Error(`${String(config.model_type)} has no vision`);
  return vision.bind();
}

/** The float32 model of a golden with its weights, and the SHA-256 over their names, shapes and bytes. */
export async function buildSeeingModel(
  golden: VisionGolden,
): Promise<{ model: VisionLanguageModel; weightsSha256: string }> {
  const architecture = await seeingArchitecture(golden);
  const model = architecture.create();
  if (!(model instanceof VisionLanguageModel)) throw new Error("The model does not see");
  const digest = createHash("sha256");
  const weights = new Map<string, mx.MxArray>();
  const own = [...model.parameters()].map(([name, { shape }]): [string, readonly number[]] => [name, shape]);
  const shapes = golden.parameters === undefined ? own : Object.entries(golden.parameters);
  for (const [name, shape] of shapes.sort(([a], [b]) => (a < b ? -1 : 1))) {
    const values = randomTensor(golden.seed, name, shape, golden.normCenter);
    digest.update(`${name} ${shape.join(",")}\n`).update(new Uint8Array(values.buffer));
    weights.set(name, mx.array(values, mx.float32, shape));
  }
  // ours already, unless they are Python's names
  model.loadWeights(golden.parameters === undefined ? weights : architecture.sanitize(weights));
  return { model, weightsSha256: digest.digest("hex") };
}

/** The features of a golden's images. */
export const embedImages = (model: VisionLanguageModel, golden: VisionGolden): ImageFeatures[] =>
  golden.images.map((arrays, i) =>
    model.embedImage(
      Object.fromEntries(
        Object.entries(arrays).map(([name, given]) => [name, imageArray(golden, i, name, given)]),
      ),
    ),
  );

const imageArray = ({ seed }: VisionGolden, image: number, name: string, given: GoldenArray): mx.MxArray =>
  "integers" in given
    ? mx.array([...given.integers], mx.int32)
    : mx.array(randomTensor(seed, `image ${image} ${name}`, given.shape), mx.float32, given.shape);
