/** Scaling pictures, with the results of Pillow to the bit. @see Pillow 13.0 src/libImaging/Resample.c */
import { ImageError } from "../errors.ts";
import type { RgbImage } from "./rgb-image.ts";

/** How far a filter reaches, in pixels of the smaller picture, and its weight at a distance. */
interface Kernel {
  readonly support: number;
  readonly weight: (x: number) => number;
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI));

/** Catmull-Rom: a = -0.5. */
const cubic = (x: number): number => {
  const d = Math.abs(x);
  if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
  return d < 2 ? ((d - 5) * d + 8) * d * -0.5 + 2 : 0;
};

const KERNELS = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  hamming: {
    support: 1,
    weight: (x) => (Math.abs(x) < 1 ? sinc(x) * (0.54 + 0.46 * Math.cos(x * Math.PI)) : 0),
  },
  bicubic: { support: 2, weight: cubic },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
} satisfies Record<string, Kernel>;

/** A filter, by Pillow's name in lower case. */
export type ResampleFilter = keyof typeof KERNELS | "nearest";

/** A sum of 8-bit samples by weights that add up to about one must fit 32 bits, two of them for sign and overshoot. */
const PRECISION_BITS = 32 - 8 - 2;
const ONE = 2 ** PRECISION_BITS;
const HALF = ONE / 2;

/** For each output sample: where its input samples begin, how many they are, and their weights in fixed point. */
interface Coefficients {
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  /** `size` weights for each output sample. */
  readonly weights: Int32Array;
  readonly size: number;
}

const toFixedPoint = (weight: number): number => Math.trunc(weight * ONE + (weight < 0 ? -0.5 : 0.5));

/** The weights of one axis. Where the picture shrinks, the filter widens with it. */
function coefficientsOf({ support, weight }: Kernel, inputs: number, outputs: number): Coefficients {
  const scale = inputs / outputs;
  const widening = Math.max(scale, 1);
  const reach = support * widening;
  const size = Math.ceil(reach) * 2 + 1;
  const [starts, counts] = [new Int32Array(outputs), new Int32Array(outputs)];
  const weights = new Int32Array(outputs * size);
  const exact = new Float64Array(size);
  for (let out = 0; out < outputs; out++) {
    const center = (out + 0.5) * scale;
    const start = Math.max(Math.trunc(center - reach + 0.5), 0);
    const count = Math.min(Math.trunc(center + reach + 0.5), inputs) - start;
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const value = weight((i + start - center + 0.5) * (1 / widening));
      exact[i] = value;
      sum += value;
    }
    for (let i = 0; i < count; i++) {
      const value = exact[i] ?? 0;
      weights[out * size + i] = toFixedPoint(sum === 0 ? value : value / sum);
    }
    starts[out] = start;
    counts[out] = count;
  }
  return { starts, counts, weights, size };
}

/** Scales `image` in width, rows `from` to `to` alone; two rows at a time, which share their weights. */
function scaleRows(
  image: RgbImage,
  width: number,
  { starts, counts, weights, size }: Coefficients,
  from = 0,
  to = image.height,
): RgbImage {
  const input = image.data;
  const inputRow = image.width * 3;
  const outputRow = width * 3;
  const data = new Uint8ClampedArray(outputRow * (to - from));
  for (let y = from; y < to; y += 2) {
    const isPair = y + 1 < to;
    const below = isPair ? inputRow : 0;
    const row = y * inputRow;
    const out = (y - from) * outputRow;
    for (let x = 0; x < width; x++) {
      let at = row + (starts[x] as number) * 3;
      let [red, green, blue, redBelow, greenBelow, blueBelow] = [HALF, HALF, HALF, HALF, HALF, HALF];
      const first = x * size;
      const last = first + (counts[x] as number);
      for (let k = first; k < last; k++) {
        const w = weights[k] as number;
        const under = at + below;
        red = (red + Math.imul(input[at] as number, w)) | 0;
        green = (green + Math.imul(input[at + 1] as number, w)) | 0;
        blue = (blue + Math.imul(input[at + 2] as number, w)) | 0;
        redBelow = (redBelow + Math.imul(input[under] as number, w)) | 0;
        greenBelow = (greenBelow + Math.imul(input[under + 1] as number, w)) | 0;
        blueBelow = (blueBelow + Math.imul(input[under + 2] as number, w)) | 0;
        at += 3;
      }
      const to0 = out + x * 3;
      data[to0] = red >> PRECISION_BITS;
      data[to0 + 1] = green >> PRECISION_BITS;
      data[to0 + 2] = blue >> PRECISION_BITS;
      if (!isPair) continue;
      const to1 = to0 + outputRow;
      data[to1] = redBelow >> PRECISION_BITS;
      data[to1 + 1] = greenBelow >> PRECISION_BITS;
      data[to1 + 2] = blueBelow >> PRECISION_BITS;
    }
  }
  return { width, height: to - from, data: new Uint8Array(data.buffer) };
}

/** Input rows that are added at once. */
const ROWS = 4;

/** Scales `image` in height; its first row is row `offset` of those that the coefficients mean. */
function scaleColumns(
  image: RgbImage,
  height: number,
  { starts, counts, weights, size }: Coefficients,
  offset = 0,
): RgbImage {
  const input = image.data;
  const length = image.width * 3;
  const data = new Uint8ClampedArray(length * height);
  const sums = new Int32Array(length);
  for (let y = 0; y < height; y++) {
    sums.fill(HALF);
    const first = (starts[y] as number) - offset;
    const count = counts[y] as number;
    for (let k = 0; k < count; k += ROWS) {
      // past the last row, weights are zeros and the last row is read again
      const row = (i: number) => (first + Math.min(k + i, count - 1)) * length;
      const weight = (i: number) => (k + i < count ? (weights[y * size + k + i] as number) : 0);
      const [r0, r1, r2, r3] = [row(0), row(1), row(2), row(3)];
      const [w0, w1, w2, w3] = [weight(0), weight(1), weight(2), weight(3)];
      for (let x = 0; x < length; x++) {
        const a = Math.imul(input[r0 + x] as number, w0) + Math.imul(input[r1 + x] as number, w1);
        const b = Math.imul(input[r2 + x] as number, w2) + Math.imul(input[r3 + x] as number, w3);
        sums[x] = ((sums[x] as number) + a + b) | 0;
      }
    }
    const out = y * length;
    for (let x = 0; x < length; x++) data[out + x] = (sums[x] as number) >> PRECISION_BITS;
  }
  return { width: image.width, height, data: new Uint8Array(data.buffer) };
}

/** The nearest input sample of each output sample, by a running sum, whose rounding Pillow's results have. */
function nearestSamples(inputs: number, outputs: number): Int32Array {
  const scale = inputs / outputs;
  let center = scale * 0.5;
  return Int32Array.from({ length: outputs }, () => {
    const sample = Math.trunc(center);
    center += scale;
    return sample;
  });
}

function nearest(image: RgbImage, width: number, height: number): RgbImage {
  const data = new Uint8Array(width * height * 3);
  const [columns, rows] = [nearestSamples(image.width, width), nearestSamples(image.height, height)];
  let out = 0;
  for (const row of rows) {
    for (const column of columns) {
      const at = (row * image.width + column) * 3;
      data[out++] = image.data[at] as number;
      data[out++] = image.data[at + 1] as number;
      data[out++] = image.data[at + 2] as number;
    }
  }
  return { width, height, data };
}

/** Pixels of the largest picture that anything is scaled to; settings that ask for more are wrong (CWE-770). */
const MAX_PIXELS = 100_000_000;

/**
 * The picture in another size, as Pillow's `Image.resize` makes it: one side after the other, rounded to 8 bits after
 * each; a filter that shrinks widens, so that no sample is skipped.
 *
 * @throws {ImageError} when a side of either is no whole number of at least 1, or there would be over 100 million pixels
 */
export function resample(image: RgbImage, width: number, height: number, filter: ResampleFilter): RgbImage {
  const sides = [width, height, image.width, image.height];
  if (!sides.every((side) => Number.isInteger(side) && side > 0) || width * height > MAX_PIXELS) {
    throw new ImageError(
      `An image of ${image.width}x${image.height} pixels cannot be scaled to ${width}x${height}`,
    );
  }
  if (width === image.width && height === image.height) return image;
  if (filter === "nearest") return nearest(image, width, height);
  const horizontal = coefficientsOf(KERNELS[filter], image.width, width);
  const vertical = coefficientsOf(KERNELS[filter], image.height, height);
  if (height === image.height) return scaleRows(image, width, horizontal);
  if (width === image.width) return scaleColumns(image, height, vertical);
  const [lessHeight, lessWidth] = [image.height - height, image.width - width];
  if (lessHeight > 0 && lessHeight > lessWidth * 2) {
    return scaleRows(scaleColumns(image, height, vertical), width, horizontal);
  }
  const from = vertical.starts[0] as number; // rows that no output row needs are left out
  const to = (vertical.starts[height - 1] as number) + (vertical.counts[height - 1] as number);
  return scaleColumns(scaleRows(image, width, horizontal, from, to), height, vertical, from);
}
