import { GuidedCache } from "../blocks/guided-cache.ts";
import { whileReading } from "../blocks/prompt-length.ts";
import type { LayerCache } from "../cache/index.ts";
import type { MxArray } from "../core/index.ts";
import * as mx from "../core/index.ts";
import { InvalidArgumentError } from "../errors.ts";
import { type ForwardOptions, layerCache } from "../models/language-model.ts";
import { type GridPositions, gridPositions } from "./grid-positions.ts";
import type { ImageFeatures, VisionLanguageModel } from "./vision-language-model.ts";

/** Per token, the number of the image it belongs to, from 1; 0 for text. */
const picturesOf = (
  tokens: readonly number[],
  imageTokenId: number,
  images: readonly ImageFeatures[],
): number[] => {
  const owners = images.flatMap(({ embeddings }, i) => Array<number>(embeddings.dim(0)).fill(i + 1));
  const count = tokens.filter((token) => token === imageTokenId).length;
  if (count !== owners.length) {
    throw new InvalidArgumentError(
      `The prompt has ${count} image tokens for ${owners.length} rows of ${images.length} images; each image needs its own`,
    );
  }
  let seen = 0;
  return tokens.map((token) => (token === imageTokenId ? (owners[seen++] ?? 0) : 0));
};

/** Per token, the number of the run of image tokens it is in, from 1; 0 for text. */
const runsOf = (pictures: readonly number[]): number[] => {
  let run = 0;
  return pictures.map((picture, i) => {
    if (picture === 0) return 0;
    if ((pictures[i - 1] ?? 0) === 0) run += 1;
    return run;
  });
};

/** A prompt in which images stand, evaluated stretch by stretch. Owns nothing: the features are the caller's. */
export class ImagePrompt {
  readonly tokens: readonly number[];
  readonly #model: VisionLanguageModel;
  readonly #images: readonly ImageFeatures[];
  readonly #pictures: readonly number[];
  /** Of tokens that see each other, where the model sees something whole. */
  readonly #runs: readonly number[] | undefined;
  readonly #positions: GridPositions | undefined;
  /** Where images stand that are seen across. */
  readonly #turns: readonly number[];

  /**
   * @param tokens - with as many image tokens as the images have rows of features, in their order
   * @throws {InvalidArgumentError} when the numbers differ
   */
  constructor(model: VisionLanguageModel, tokens: readonly number[], images: readonly ImageFeatures[]) {
    this.tokens = tokens;
    this.#model = model;
    this.#images = images;
    this.#pictures = picturesOf(tokens, model.imageTokenId, images);
    this.#runs =
      model.seesWhole && (model.seesWhole === "images" ? runsOf(this.#pictures) : tokens.map(() => 1));
    this.#positions = gridPositions(this.#pictures, images);
    this.#turns = [...tokens.keys()].filter((at) => this.#statesAt(at) !== undefined);
  }

  /**
   * What stands at each place: a token, or the contents of the images that are seen together there. Undefined where tokens
   * see all others.
   *
   * @param names - of the images' contents
   */
  contents(names: readonly string[]): (number | string)[] | undefined {
    if (this.#model.seesWhole === "prompt") return undefined;
    const groups = this.#runs ?? this.#pictures;
    const members = new Map<number, Set<number>>();
    for (const [i, group] of groups.entries()) {
      members.set(group, (members.get(group) ?? new Set()).add(this.#pictures[i] ?? 0));
    }
    const nameOf = (group: number): string =>
      [...(members.get(group) ?? [])].map((picture) => names[picture - 1]).join(" ");
    const groupNames = new Map([...members.keys()].map((group) => [group, nameOf(group)]));
    return this.tokens.map((token, i) =>
      (groups[i] ?? 0) === 0 ? token : (groupNames.get(groups[i] ?? 0) ?? token),
    );
  }

  /** Where a stretch from `start` ends that would be `size` long: what sees itself whole stays so. */
  endOf(start: number, size: number): number {
    const end = Math.min(start + size, this.tokens.length);
    const cut = this.#runs?.[end] ?? 0;
    if (this.#runs === undefined || cut === 0 || this.#runs[end - 1] !== cut) return end;
    const first = this.#runs.indexOf(cut);
    return first > start ? first : this.#runs.lastIndexOf(cut) + 1;
  }

  /** Input embeddings of all tokens, `[1, L, E]`. */
  embeddings(): MxArray {
    const { embeddings } = this.#inputs(0, this.tokens.length);
    return embeddings ?? this.#model.embed(mx.array([[...this.tokens]], mx.int32));
  }

  /** Logits `[1, L, V]` of the tokens from `start` to `end`, what comes before them being in the cache; the last may be enough. */
  forward(
    start: number,
    end: number,
    cache?: readonly LayerCache[],
    wanted: Pick<ForwardOptions, "lastOnly"> = {},
  ): MxArray {
    const starts = [start, ...this.#turns.filter((at) => at > start && at < end)];
    if (starts.length === 1) return this.#stretch(start, end, cache, wanted);
    const caches = cache ?? this.#model.makeCache();
    const logits = starts.map((from, i) => this.#stretch(from, starts[i + 1] ?? end, caches, wanted));
    if (cache === undefined) for (const layer of caches) layer.dispose();
    return mx.concatenate(logits, 1);
  }

  /** The same where all tokens see the same across. */
  #stretch(
    start: number,
    end: number,
    cache: readonly LayerCache[] | undefined,
    wanted: Pick<ForwardOptions, "lastOnly">,
  ): MxArray {
    const ids = mx.array([this.tokens.slice(start, end)], mx.int32);
    const guided = this.#guided(start, end, cache);
    const options = guided === undefined ? {} : { cache: guided };
    const inputs = { ...options, ...wanted, ...this.#inputs(start, end) };
    return whileReading(this.tokens.length, () => this.#model.forward(ids, inputs));
  }

  /** What stands for the images between `start` and `end`. */
  #inputs(start: number, end: number): Pick<ForwardOptions, "embeddings" | "additions" | "states"> {
    const isImage = (picture: number): boolean => picture > 0;
    const first = this.#pictures.slice(0, start).filter(isImage).length;
    const last = first + this.#pictures.slice(start, end).filter(isImage).length;
    if (first === last) return {};
    const tokens = this.tokens.slice(start, end);
    const rows = (parts: readonly MxArray[]): MxArray => {
      const all = mx.concatenate([...parts], 0);
      return mx.slice(all, [first, 0], [last, all.dim(1)]);
    };
    const embeddings = this.#model.mergeEmbeddings(tokens, rows(this.#images.map((i) => i.embeddings)));
    const states = this.#statesFrom(start);
    if (states !== undefined) return { embeddings, states };
    const depth = this.#images[0]?.additions?.length ?? 0;
    if (depth === 0) return { embeddings };
    const ground = mx.zeros([1, end - start, embeddings.dim(-1)], embeddings.dtype);
    const additions = Array.from({ length: depth }, (_, block) => {
      const features = rows(this.#images.flatMap((image) => image.additions?.[block] ?? []));
      return this.#model.placeFeatures(tokens, features, ground);
    });
    return { embeddings, additions };
  }

  #statesAt(at: number): MxArray | undefined {
    return this.#images[(this.#pictures[at] ?? 0) - 1]?.states;
  }

  /** What tokens see across from an image on, `[1, S, E]`: it and those that stand right before it. */
  #statesFrom(start: number): MxArray | undefined {
    const seen: MxArray[] = [];
    for (let at = start; ; at -= 1) {
      const states = this.#statesAt(at);
      if (states === undefined) break;
      seen.unshift(states);
    }
    return seen.length === 0 ? undefined : mx.expandDims(mx.concatenate(seen), 0);
  }

  /** Says to the caches where the tokens after the prompt go on. */
  finish(cache: readonly LayerCache[]): void {
    const shift = this.#positions?.shift ?? 0;
    if (shift !== 0) for (const layer of cache) layer.shift?.(shift);
  }

  #guided(start: number, end: number, cache?: readonly LayerCache[]): readonly LayerCache[] | undefined {
    const positions = this.#positions?.between(start, end);
    const runs = this.#runs && mx.array(this.#runs.slice(start, end), mx.int32);
    if (positions === undefined && runs === undefined) return cache;
    return this.#model.layers.map((_, i) => new GuidedCache(layerCache(cache, i), { positions, runs }));
  }
}
