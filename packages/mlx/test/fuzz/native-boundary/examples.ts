/** Arguments that functions with demands on several of them together accept. */
import { openSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { native } from "../../../src/core/native.ts";
import type { World } from "./values.ts";

/** Makes an evaluated array of ones: indices into axes of two or more stay inside. */
export type Make = (shape: readonly number[], dtype?: number) => number;

const U32 = 3;
const I32 = 7;
const F32 = 10;

export const smallFile = (): string => {
  const path = join(tmpdir(), `abstractllm-boundary-${process.pid}`);
  writeSync(openSync(path, "w"), Buffer.alloc(4096, 1));
  return path;
};

const attention = (make: Make): number[] => [make([1, 4, 3, 8]), make([1, 2, 5, 8]), make([1, 2, 5, 8])];

/** Words, scales and biases of a matrix [8, 64] in 4 bits, groups of 32. */
const packed = (make: Make): number[] => [make([8, 8], U32), make([8, 2]), make([8, 2])];

/** Queries, keys, values and output of two heads over 64 features, without an MLP. */
const layerParts = (make: Make): Parameters<typeof native.prepareDecoderLayer> => {
  const matrix = (N: number, K: number): number[] => [
    make([N, K / 8], U32),
    make([N, K / 32]),
    make([N, K / 32]),
  ];
  const matrices = [matrix(32, 64), matrix(32, 64), matrix(32, 64), matrix(64, 32)].flat();
  const update = [make([64, 1]), make([1, 32]), make([32])];
  return [
    ...([matrices, Array(4).fill([4, 32, 0]).flat(), [...update, ...Array(9).fill(0)]] as const),
    ...([[], [make([64])], [], [2, 2, 0, 0, 0, 0, 0, 1, 1], [1e-5, 0.3, 0, 1, 1, 0, 0], ""] as const),
    ...([[], [1, 0], [], [], [8, 0, 1, 10000], Array(15).fill(0)] as const),
  ];
};

/** Two heads of queries and keys of 8 features, of values of 4, and a convolution of 3 taps, at two positions. */
const deltaMixerParts = (make: Make): number[] => [
  ...[make([1, 2, 40]), make([1, 2, 2, 4]), make([1, 2, 2]), make([1, 2, 2]), make([3, 40])],
  ...[make([2]), make([2]), make([4]), make([1, 2, 40]), make([1, 2, 4, 8])],
];

/** Two heads of 8 features, states of 8 for each, and a convolution of 3 taps, at two positions. */
const mambaMixerParts = (make: Make): number[] => [
  ...[make([1, 2, 50]), make([3, 32]), make([2]), make([2]), make([2])],
  ...[make([1, 2, 32]), make([1, 2, 8, 8])],
];

const buffers = (make: Make): number[] => [make([1, 2, 8, 16]), make([1, 2, 8, 16])];

const boundLayers = (make: Make): ReturnType<typeof native.bindDecoderLayers> => {
  const layers = native.prepareDecoderLayer(...layerParts(make));
  return layers && native.bindDecoderLayers(layers, buffers(make), [0, 0]);
};

export const examples = ({ file, traced }: World): Readonly<Record<string, (make: Make) => unknown[]>> => ({
  full: () => [[2, 3], -1, F32],
  diagonal: (make) => [make([3, 4]), 0, 0, 1],
  unflatten: (make) => [make([2, 6]), 1, [2, -1]],
  swapaxes: (make) => [make([2, 3]), 0, 1],
  moveaxis: (make) => [make([2, 3, 4]), 0, 2],
  reshape: (make) => [make([2, 6]), [3, -1]],
  broadcastTo: (make) => [make([2, 1]), [3, 2, 4]],
  asStrided: (make) => [make([12]), [3, 2], [4, 1], 1],
  slice: (make) => [make([4, 4]), [0, 3], [4, -5], [2, -1]],
  sliceUpdate: (make) => [make([4, 4]), make([2, 2]), [0, 0], [4, 4], [2, 2]],
  sliceAt: (make) => [make([4, 4]), make([1], I32), [0], [2, 4]],
  sliceUpdateAt: (make) => [make([4, 4]), make([1, 4]), make([1], I32), [0]],
  splitSections: (make) => [make([4, 2]), 2, 0],
  splitAt: (make) => [make([4, 2]), [1, 2], 0],
  concatenate: (make) => [[make([2, 3]), make([1, 3])], 0],
  stack: (make) => [[make([2, 3]), make([2, 3])], 1],
  pad: (make) => [make([2, 3]), [0, 1], [1, 0], [0, 2], -1, "constant"],
  where: (make) => [make([3], 0), make([2, 3]), -1],
  clip: (make) => [make([2, 3]), -1, undefined],
  fromFp8: (make) => [make([4], 1), F32],
  take: (make) => [make([4, 3]), make([2], I32), 0],
  takeAlongAxis: (make) => [make([4, 3]), make([2, 3], I32), 0],
  putAlongAxis: (make) => [make([4, 3]), make([2, 3], I32), make([2, 3]), 0],
  scatterAddAxis: (make) => [make([4, 3]), make([2, 3], I32), make([2, 3]), 0],
  gather: (make) => [make([4, 3]), [make([2], I32)], [0], [1, 3]],
  scatter: (make) => [make([4, 3]), [make([2], I32)], make([2, 1, 3]), [0]],
  scatterAdd: (make) => [make([4, 3]), [make([2], I32)], make([2, 1, 3]), [0]],
  partition: (make) => [make([5]), 2, -1],
  searchsorted: (make) => [make([5]), make([2]), "left"],
  matmul: (make) => [make([2, 3, 4]), make([4, 5])],
  addmm: (make) => [make([5]), make([3, 4]), make([4, 5]), 1, 1],
  gatherMm: (make) => [make([2, 3, 4]), make([2, 4, 5]), make([2], U32), make([2], U32), false],
  blockMaskedMm: (make) => [make([64, 64]), make([64, 64]), 32, make([2, 2], 0), 0, 0],
  tensordot: (make) => [make([2, 3]), make([3, 2]), 1],
  einsum: (make) => ["ij,jk->ik", [make([2, 3]), make([3, 4])]],
  conv1d: (make) => [make([1, 8, 4]), make([6, 3, 2]), 1, 1, 1, 2],
  convGeneral: (make) => [
    make([1, 6, 6, 2]),
    make([4, 3, 3, 2]),
    [1, 2],
    [1, 1],
    [1, 0],
    [1, 1],
    [1, 1],
    1,
    false,
  ],
  quantize: (make) => [make([8, 64]), 32, 4, "affine", 0],
  dequantize: (make) => [...packed(make), 32, 4, "affine", 0, undefined],
  quantizedMatmul: (make) => [make([3, 64]), ...packed(make), true, 32, 4, "affine"],
  gatherQmm: (make) => [
    make([2, 3, 64]),
    make([2, 8, 8], U32),
    make([2, 8, 2]),
    make([2, 8, 2]),
    make([2], U32),
    make([2], U32),
    true,
    32,
    4,
    "affine",
    0,
    false,
  ],
  fast_rmsNorm: (make) => [make([2, 8]), make([8]), 1e-5],
  fast_layerNorm: (make) => [make([2, 8]), make([8]), make([8]), 1e-5],
  fast_rope: (make) => [make([1, 2, 3, 8]), 8, false, 10000, 1, 3, 0],
  fast_ropeAt: (make) => [make([2, 2, 3, 8]), 8, false, undefined, 1, make([2], I32), make([4])],
  fast_scaledDotProductAttention: (make) => [...attention(make), 0.35, "causal", 0, 0],
  fast_softCappedAttention: (make) => [...attention(make), 0.35, 50, "causal", 0],
  fast_rotatedHeads: (make) => {
    const matrices = [...packed(make), ...packed(make), ...packed(make)];
    return [make([1, 3, 64]), matrices, [4, 4, 4], [32, 32, 32], [], 2, 2, 4, false, 10000, 1, 0, 0];
  },
  fast_addGatheredRows: (make) => [make([2, 3, 8]), make([4, 8]), make([2], I32)],
  fast_weightedSum: (make) => [make([2, 3, 8]), make([2, 3])],
  fast_swigluOai: (make) => [make([2, 8]), make([2, 8]), 1.7, 7],
  fast_quantizeRows: (make) => [make([2, 32]), 32, 4, F32],
  fast_dequantizeRows: (make) => [make([2, 6], U32), 32, 4, F32, F32],
  fast_extendCache: (make) => [make([1, 2, 8, 4]), 5, 16],
  fast_appendToCache: (make) => [
    make([1, 2, 8, 4]),
    make([1, 2, 8, 4]),
    make([1, 2, 1, 4]),
    make([1, 2, 1, 4]),
    3,
  ],
  deltaRule: (make) => [
    ...[make([1, 3, 2, 8]), make([1, 3, 2, 8]), make([1, 3, 4, 4]), make([1, 3, 4]), make([1, 3, 4])],
    ...[make([1, 4, 4, 8]), false],
  ],
  shortConv: (make) => [make([1, 2, 8]), make([3, 8]), make([1, 2, 8])],
  deltaMixer: (make) => [deltaMixerParts(make), 2, 1e-6],
  mambaMixer: (make) => [mambaMixerParts(make), [make([32]), make([16])], [1, 2], [0, 10, 1e-6]],
  prepareDecoderLayer: layerParts,
  composedLayer: (make) => {
    const [matrices, , , rows, norms] = layerParts(make);
    const layout = [
      0,
      2,
      2,
      8,
      0,
      0,
      4,
      rows.length,
      norms.length,
      norms.length,
      ...Array(4).fill(4),
      ...Array(4).fill(32),
    ];
    return [
      ...[make([1, 1, 64]), ...buffers(make), Int32Array.from([...matrices, ...rows, ...norms, ...norms])],
      ...[Int32Array.from(layout), [1e-5, 0.3, 0, 1], 10000, 1, 3, 5],
    ];
  },
  joinDecoderLayers: (make) => [[native.prepareDecoderLayer(...layerParts(make))]],
  decoderLayers: (make) => [
    native.prepareDecoderLayer(...layerParts(make)),
    ...[make([1, 1, 64]), buffers(make), [0, 0], new Int32Array([3, 4, 0]), [5], [0], [], 0],
  ],
  bindDecoderLayers: (make) => [native.prepareDecoderLayer(...layerParts(make)), buffers(make), [0, 0]],
  boundDecoderLayers: (make) => [
    boundLayers(make),
    ...[make([1, 1, 64]), new Int32Array([3, 4, 0]), [5], [0], [], 0],
  ],
  fast_quantizedEmbedding: (make) => [make([2], I32), ...packed(make), 32, 4, "affine", undefined],
  random_splitKey: (make) => [make([2], U32), 3],
  random_uniform: (make) => [-1, -2, [2, 3], F32, make([2], U32)],
  random_normal: (make) => [[2, 3], F32, 0, 1, make([2], U32)],
  random_randint: (make) => [make([], I32), make([3], I32), [2, 3], I32, make([2], U32)],
  random_bernoulli: (make) => [make([3]), [2, 3], make([2], U32)],
  random_gumbel: (make) => [[2, 3], F32, make([2], U32)],
  random_categorical: (make) => [make([2, 3]), -1, make([2], U32)],
  random_permutation: (make) => [make([5, 2]), 0, make([2], U32)],
  fromBytes: () => [new Float32Array(6), [2, 3], F32],
  callCompiled: (make) => [1, traced, [make([2]), make([])], false],
  releaseAll: (make) => [[make([2]), make([2])]],
  newStream: () => [0],
  setDefaultStream: () => [0, 0],
  bitwiseAnd: (make) => [make([3], I32), make([2, 1], U32)],
  mapTensors: () => [file, [0, 64], [1, F32], [1, 2], [8, 2, 4]],
  ggufAffine: () => [file, 32, 3, 4, 64],
  ggufDequantize: () => [file, 32, 8, [2, 32]],
  moveToHugePages: (make) => [packed(make), [0, 1, 2], [4], [32]],
  setCpuLevel: () => ["scalar", undefined],
});
