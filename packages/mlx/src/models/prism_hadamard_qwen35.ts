/** Qwen 3.5 whose 2-bit matrices are of inputs turned by a Hadamard matrix. @see mlx-lm 0.32.2 models/prism_hadamard_qwen35.py */
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { ConfigError, WeightsError } from "../errors.ts";
import { Embedding, Linear, type MatrixLayer, type Module, type Quantization } from "../nn/index.ts";
import type { Architecture } from "./architecture.ts";
import { bool, type Infer, list, object, oneOf, parseConfig, record, string } from "./config.ts";
import { architecture as qwen } from "./qwen3_5.ts";

const NAMESPACES = { 1: "mlx-lm-text", 2: "mlx-vlm-qwen3_5" } as const;

const packed = {
  path: string.required(),
  block: oneOf(0, 512, 1024, 2048, 4096, 8192).required(),
  embedding: bool.required(),
  dtype: oneOf("float16").required(),
};
type Packed = Infer<typeof packed>;

const config = {
  schema_version: oneOf(1, 2).default(2),
  tensor_namespace: string.required(),
  gdn_activation_layout: oneOf("grouped").default("grouped"),
  quantization: object({
    bits: oneOf(2).required(),
    group_size: oneOf(128).required(),
    mode: oneOf("affine").required(),
  }).required(),
  modules: list(object(packed).required()).required(),
  text_config: record.required(),
};

const PACKED: Quantization = { bits: 2, groupSize: 128, mode: "affine" };

/** A packed matrix of inputs turned in blocks, or of inputs as they are: without signs. */
interface TurnedMatrix {
  readonly signs?: MxArray;
  readonly block: number;
}

/** Blocks of the last axis times the normed Walsh-Hadamard matrix, in float32, which packs are made for. */
const transformed = (x: MxArray, block: number): MxArray =>
  mx.reshape(mx.hadamardTransform(mx.reshape(x, [-1, block]), 1 / Math.sqrt(block)), x.shape);

const turned = (x: MxArray, { signs, block }: TurnedMatrix): MxArray => {
  if (signs === undefined) return x;
  return transformed(mx.multiply(x.astype(mx.float32), signs), block).astype(x.dtype);
};

const turnedBack = (x: MxArray, { signs, block }: TurnedMatrix): MxArray => {
  if (signs === undefined) return x;
  return mx.multiply(transformed(x.astype(mx.float32), block), signs).astype(x.dtype);
};

class TurnedLinear extends Linear implements TurnedMatrix {
  declare signs?: MxArray;
  readonly block: number;

  constructor(inputDims: number, outputDims: number, block: number) {
    super(inputDims, outputDims, false);
    this.expectQuantized(PACKED);
    this.block = block;
    if (block > 0) this.signs = mx.ones([inputDims]);
  }

  override forward(x: MxArray): MxArray {
    return super.forward(turned(x, this));
  }
}

/** Its rows are float16, as packs are, and go on in the dtype of the scales. */
class TurnedEmbedding extends Embedding implements TurnedMatrix {
  declare signs?: MxArray;
  readonly block: number;

  constructor(count: number, dims: number, block: number) {
    super(count, dims);
    this.expectQuantized(PACKED);
    this.block = block;
    if (block > 0) this.signs = mx.ones([dims]);
  }

  override forward(ids: MxArray): MxArray {
    const rows = super.forward(ids); // [..., E]
    return turnedBack(rows.astype(mx.float16), this).astype(rows.dtype);
  }

  override asLinear(x: MxArray): MxArray {
    return super.asLinear(turned(x, this));
  }
}

const isPackable = (layer: Module | undefined, embedding: boolean): layer is MatrixLayer =>
  embedding ? layer instanceof Embedding : layer instanceof Linear && layer.bias === undefined;

/** What takes the place of `layer`. @throws {ConfigError} when the two don't fit */
const turnedLayer = (layer: Module | undefined, { path, block, embedding }: Packed): MatrixLayer => {
  if (!isPackable(layer, embedding)) {
    const expected = embedding ? "an embedding" : "a linear layer without bias";
    throw new ConfigError(`config.json: expected ${expected} at ${path}, which modules names, once`);
  }
  const [rows = 0, width = 0] = layer.matrixShape;
  const size = block || PACKED.groupSize;
  if (width % size !== 0) {
    throw new ConfigError(`config.json: ${width} inputs of ${path} do not divide into blocks of ${size}`);
  }
  layer.dispose();
  return embedding ? new TurnedEmbedding(rows, width, block) : new TurnedLinear(width, rows, block);
};

/** Replaces the layers that are packed. */
const turnLayers = (model: Module, modules: readonly Packed[]): void => {
  const layers = new Map(model.namedModules());
  for (const packed of modules) {
    const path = `language_model.${packed.path}`;
    const dot = path.lastIndexOf(".");
    const layer = turnedLayer(layers.get(path), packed);
    layers.delete(path);
    Object.assign(layers.get(path.slice(0, dot)) ?? {}, { [path.slice(dot + 1)]: layer });
  }
};

const checkSigns = (weights: ReadonlyMap<string, MxArray>): void => {
  for (const [key, signs] of weights) {
    const isFine = !key.endsWith(".signs") || mx.tidy(() => mx.all(mx.equal(mx.abs(signs), 1)).item()) === 1;
    if (!isFine) throw new WeightsError(`Expected ${key} to hold 1 and -1 alone`);
  }
};

export const architecture: Architecture = {
  bind: (raw) => {
    const { schema_version, tensor_namespace, modules } = parseConfig(config, raw).config;
    if (tensor_namespace !== NAMESPACES[schema_version] || modules.length === 0) {
      throw new ConfigError(
        `config.json: expected schema ${schema_version} with modules and tensor_namespace ${NAMESPACES[schema_version]}`,
      );
    }
    const text = qwen.bind(raw);
    return {
      unknownKeys: text.unknownKeys,
      create: () => {
        const model = text.create();
        turnLayers(model, modules);
        return model.keepParameters();
      },
      sanitize: (weights) => {
        const own = text.sanitize(weights);
        checkSigns(own);
        return own;
      },
    };
  },
};
