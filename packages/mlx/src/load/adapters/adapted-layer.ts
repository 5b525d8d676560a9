/** Which layers an adapter can change, and how their matrices are stored. */
import { SwitchLinear } from "../../blocks/index.ts";
import { Embedding, Linear, type MatrixLayer, type Module } from "../../nn/index.ts";
import type { AdapterFormat } from "./adapter-config.ts";

/** How the stored matrices of a layer are those of an update. */
interface Layout {
  /** Which of the two is `up`; the other one is `down`. */
  readonly up: "a" | "b";
  /** Whether both are stored the other way round. */
  readonly isTransposed: boolean;
}

const kinds = { linear: Linear, embedding: Embedding, experts: SwitchLinear } as const;

type LayerKind = keyof typeof kinds;

const layouts: Readonly<Record<AdapterFormat, Partial<Record<LayerKind, Layout>>>> = {
  "mlx-lm": {
    linear: { up: "b", isTransposed: false },
    embedding: { up: "a", isTransposed: true },
    experts: { up: "b", isTransposed: true },
  },
  peft: {
    linear: { up: "b", isTransposed: true },
    embedding: { up: "a", isTransposed: false },
  },
};

const KINDS = ["linear", "embedding", "experts"] as const satisfies readonly LayerKind[];

/** A layer that does what its class does: what extends that may do something else with its input. */
const isOfKind = (module: Module, kind: LayerKind): module is MatrixLayer =>
  module instanceof kinds[kind] && module.forward === kinds[kind].prototype.forward;

/** A layer, and how an adapter of a format has matrices for it. */
export interface AdaptedLayer {
  readonly layer: MatrixLayer;
  readonly layout: Layout;
  /** Shapes of `up` and `down` as they are stored, for a rank. */
  shapes(rank: number): { up: number[]; down: number[] };
}

/** A module as what an adapter changes; undefined where none of the format can. */
export const adaptedLayer = (module: Module, format: AdapterFormat): AdaptedLayer | undefined => {
  for (const kind of KINDS) {
    const layout = layouts[format][kind];
    if (layout === undefined || !isOfKind(module, kind)) continue;
    const stack = module.weight.shape.slice(0, -2);
    const [N, K] = [module.weight.dim(-2), module.matrixShape.at(-1) ?? 0]; // columns of the weight may be packed
    const stored = (rows: number, columns: number): number[] =>
      layout.isTransposed ? [...stack, columns, rows] : [...stack, rows, columns];
    const shapes = (rank: number): { up: number[]; down: number[] } => ({
      up: stored(rank, N),
      down: stored(K, rank),
    });
    return { layer: module, layout, shapes };
  }
  return undefined;
};
