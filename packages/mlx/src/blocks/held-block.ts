/** Whether what operations were prepared from is still there. */
import { type Linear, type MatrixLayer, type Module, RMSNorm } from "../nn/index.ts";
import { type BlockParts, partsOf } from "./block-parts.ts";
import type { MixerParts } from "./mixer-parts.ts";
import { mlpMatrices, routerArrays } from "./mlp-parts.ts";

/** Of one layer, of heads or of experts. */
type Matrix = MatrixLayer & Pick<Linear, "bias">;

const weightOf = (norm: Module | undefined): unknown => (norm instanceof RMSNorm ? norm.weight : norm);

/** The arrays of a matrix as they were. Compared field by field: every step looks through those of every block. */
class HeldMatrix {
  readonly #layer: Matrix;
  readonly #weight: unknown;
  readonly #scales: unknown;
  readonly #biases: unknown;
  readonly #bias: unknown;
  readonly #update: unknown;

  constructor(layer: Matrix) {
    this.#layer = layer;
    this.#weight = layer.weight;
    this.#scales = layer.scales;
    this.#biases = layer.biases;
    this.#bias = layer.bias;
    this.#update = layer.update;
  }

  isStill(layer: Matrix | undefined): boolean {
    if (layer !== this.#layer || layer.weight !== this.#weight || layer.bias !== this.#bias) return false;
    if (layer.update !== this.#update) return false;
    return layer.scales === this.#scales && layer.biases === this.#biases;
  }
}

/** The arrays of a block as they were, and what else may be replaced. */
export class HeldBlock {
  readonly #mixer: MixerParts | undefined;
  readonly #mlp: Module | undefined;
  readonly #norms: readonly unknown[];
  readonly #besideArrays: readonly unknown[];
  readonly #routerArrays: readonly unknown[];
  readonly #mixerNorms: readonly unknown[];
  readonly #mixerMatrices: readonly HeldMatrix[];
  readonly #mlpMatrices: readonly HeldMatrix[];

  /** @param mixer - none: of a block without one */
  constructor(block: BlockParts, mixer: MixerParts | undefined) {
    this.#mixer = mixer;
    this.#mlp = block.mlp;
    this.#norms = [
      weightOf(block.input_layernorm),
      weightOf(block.post_attention_layernorm),
      weightOf(block.pre_feedforward_layernorm),
      weightOf(block.post_feedforward_layernorm),
      weightOf(block.layerInput?.post_per_layer_input_norm),
      block.factor,
    ];
    this.#besideArrays = besideArrays(block);
    this.#routerArrays = routerArrays(block);
    this.#mixerNorms = (mixer?.norms ?? []).map(({ weight }) => weight);
    this.#mixerMatrices = (mixer?.matrices ?? []).map((matrix) => new HeldMatrix(matrix));
    this.#mlpMatrices = [...mlpMatrices(block), ...inputMatrices(block)].map(
      (matrix) => new HeldMatrix(matrix),
    );
  }

  isStill(block: BlockParts): boolean {
    const mixer = partsOf(block);
    if (mixer !== this.#mixer || block.mlp !== this.#mlp) return false;
    if (!this.#areNorms(block) || !areStill(this.#mixerMatrices, mixer?.matrices ?? [])) return false;
    const areNorms = mixer?.norms.every(({ weight }, i) => weight === this.#mixerNorms[i]) ?? true;
    const matrices = mlpMatrices(block);
    if (block.layerInput !== undefined) matrices.push(...inputMatrices(block));
    const areRouters = routerArrays(block).every((array, i) => array === this.#routerArrays[i]);
    return areNorms && areRouters && areStill(this.#mlpMatrices, matrices);
  }

  #areNorms(block: BlockParts): boolean {
    const [norm, second, third, fourth, ofInput, factor] = this.#norms;
    if (block.factor !== factor || weightOf(block.layerInput?.post_per_layer_input_norm) !== ofInput)
      return false;
    if (weightOf(block.input_layernorm) !== norm || weightOf(block.post_attention_layernorm) !== second)
      return false;
    if (weightOf(block.pre_feedforward_layernorm) !== third) return false;
    if (block.beside && besideArrays(block).some((array, i) => array !== this.#besideArrays[i])) return false;
    return weightOf(block.post_feedforward_layernorm) === fourth;
  }
}

/** What is beside the matrices of experts that answer beside an MLP. */
const besideArrays = ({ beside }: BlockParts): unknown[] => {
  if (beside === undefined) return [];
  const norms = [beside.norm, beside.mlpNormAfter, beside.normAfter].map(weightOf);
  return [beside.routerGain, ...norms];
};

const areStill = (held: readonly HeldMatrix[], matrices: readonly Matrix[]): boolean =>
  held.length === matrices.length && held.every((matrix, i) => matrix.isStill(matrices[i]));

const inputMatrices = ({ layerInput }: BlockParts): Linear[] =>
  layerInput === undefined ? [] : [layerInput.per_layer_input_gate, layerInput.per_layer_projection];
