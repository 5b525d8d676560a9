/**
 * Every pure operation, once. `generate.ts` makes from each row the TypeScript function (src/core/generated) and
 * its C++ registration (native/src/ops.gen.cc); a row that does not fit libmlx fails to compile.
 *
 * Signature types: `array` an MxArray; `operand` an array or a number or boolean that takes the other operands'
 * dtype; `arrays` a list; `int`, `uint` (up to 2^53), `float`, `bool`, `string`, `dtype`; `shape` and `ints` lists of integers; `axes`
 * one axis or several. A trailing `?` makes a parameter optional, `= value` gives its default.
 */
export interface OpRow {
  /** `name(parameters) -> result`, with the TypeScript name. */
  signature: string;
  /** First sentence of the documentation; shapes in brackets. */
  doc: string;
  /** `fast`, `random` or `linalg`; the top level when absent. */
  group?: "fast" | "random" | "linalg";
  /** The C++ expression over the parameters; by default the snake_case function with all of them. */
  cpp?: string;
}

const unary = (name: string, doc: string): OpRow => ({ signature: `${name}(a: array) -> array`, doc });

const binary = (name: string, doc: string): OpRow => ({
  signature: `${name}(a: operand, b: operand) -> array`,
  doc: `${doc} The shapes broadcast.`,
});

const reduction = (name: string, doc: string): OpRow => ({
  signature: `${name}(a: array, axis: axes?, keepdims: bool = false) -> array`,
  doc: `${doc} over \`axis\`, or over all axes.`,
  cpp: `axis ? mx::${name}(a, *axis, keepdims) : mx::${name}(a, keepdims)`,
});

const argReduction = (name: string, doc: string): OpRow => ({
  signature: `${name}(a: array, axis: int?, keepdims: bool = false) -> array`,
  doc: `${doc} along \`axis\`, or of the flattened array; uint32.`,
  cpp: `axis ? mx::${name}(a, *axis, keepdims) : mx::${name}(a, keepdims)`,
});

const scan = (name: string, doc: string): OpRow => ({
  signature: `${name}(a: array, axis: int?, reverse: bool = false, inclusive: bool = true) -> array`,
  doc: `${doc} along \`axis\`, or of the flattened array.`,
  cpp: `axis ? mx::${name}(a, *axis, reverse, inclusive, mx::StreamOrDevice{}) : mx::${name}(a, reverse, inclusive, mx::StreamOrDevice{})`,
});

const creation: OpRow[] = [
  {
    signature: "arange(start: float, stop: float, step: float = 1, dtype: dtype = int32) -> array",
    doc: "Evenly spaced values `[start, stop)`; shape `[ceil((stop - start) / step)]`.",
  },
  {
    signature: "linspace(start: float, stop: float, num: int = 50, dtype: dtype = float32) -> array",
    doc: "`num` evenly spaced values `[start, stop]`; shape `[num]`.",
  },
  { signature: "zeros(shape: shape, dtype: dtype = float32) -> array", doc: "An array of zeros." },
  { signature: "ones(shape: shape, dtype: dtype = float32) -> array", doc: "An array of ones." },
  {
    signature: "full(shape: shape, value: operand, dtype: dtype?) -> array",
    doc: "An array filled with `value`, in its dtype unless `dtype` is given.",
    cpp: "dtype ? mx::full(shape, resolve(value, *dtype), *dtype) : mx::full(shape, resolve(value, std::nullopt))",
  },
  { signature: "zerosLike(a: array) -> array", doc: "Zeros in the shape and dtype of `a`." },
  { signature: "onesLike(a: array) -> array", doc: "Ones in the shape and dtype of `a`." },
  {
    signature: "eye(n: int, m: int?, k: int = 0, dtype: dtype = float32) -> array",
    doc: "`[n, m]` with ones on the k-th diagonal.",
    cpp: "mx::eye(n, m.value_or(n), k, dtype)",
  },
  {
    signature: "tri(n: int, m: int?, k: int = 0, dtype: dtype = float32) -> array",
    doc: "`[n, m]` with ones on and below the k-th diagonal.",
    cpp: "mx::tri(n, m.value_or(n), k, dtype)",
  },
  {
    signature: "tril(a: array, k: int = 0) -> array",
    doc: "Zeros above the k-th diagonal of `[..., N, M]`.",
  },
  {
    signature: "triu(a: array, k: int = 0) -> array",
    doc: "Zeros below the k-th diagonal of `[..., N, M]`.",
  },
  {
    signature: "diag(a: array, k: int = 0) -> array",
    doc: "The k-th diagonal of `[N, M]`, or `[N]` put on one.",
  },
  {
    signature: "diagonal(a: array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> array",
    doc: "The diagonals of `a` over two axes.",
  },
  {
    signature: 'meshgrid(arrays: arrays, sparse: bool = false, indexing: string = "xy") -> arrays',
    doc: "Coordinate arrays from coordinate vectors.",
  },
];

const shaping: OpRow[] = [
  { signature: "astype(a: array, dtype: dtype) -> array", doc: "`a` converted to `dtype`." },
  {
    signature: "view(a: array, dtype: dtype) -> array",
    doc: "The bytes of `a` read as `dtype`; the last axis rescales.",
  },
  {
    signature: "reshape(a: array, shape: shape) -> array",
    doc: "`a` in another shape; one dimension may be -1.",
  },
  {
    signature: "flatten(a: array, startAxis: int = 0, endAxis: int = -1) -> array",
    doc: "Axes `startAxis` to `endAxis` joined into one.",
  },
  {
    signature: "unflatten(a: array, axis: int, shape: shape) -> array",
    doc: "Axis `axis` split into `shape`.",
    cpp: "mx::unflatten(a, axis, inferable(shape))",
  },
  {
    signature: "squeeze(a: array, axis: axes?) -> array",
    doc: "`a` without its axes of length 1, or without `axis`.",
    cpp: "axis ? mx::squeeze(a, *axis) : mx::squeeze(a)",
  },
  {
    signature: "expandDims(a: array, axis: axes) -> array",
    doc: "`a` with axes of length 1 inserted at `axis`.",
  },
  {
    signature: "transpose(a: array, axes: ints?) -> array",
    doc: "`a` with its axes permuted, or reversed.",
    cpp: "axes ? mx::transpose(a, *axes) : mx::transpose(a)",
  },
  { signature: "swapaxes(a: array, axis1: int, axis2: int) -> array", doc: "`a` with two axes exchanged." },
  {
    signature: "moveaxis(a: array, source: int, destination: int) -> array",
    doc: "`a` with one axis moved.",
  },
  { signature: "broadcastTo(a: array, shape: shape) -> array", doc: "`a` broadcast to `shape`." },
  {
    signature: "contiguous(a: array, allowColMajor: bool = false) -> array",
    doc: "`a` in row-major order, copied if needed.",
  },
  {
    signature: "asStrided(a: array, shape: shape, strides: ints, offset: int = 0) -> array",
    doc: "A view with explicit strides and offset, in elements of the array in row-major order.",
    cpp: "mx::as_strided(a, shape, inside(a, shape, strides, offset), offset)",
  },
  {
    signature: "slice(a: array, start: shape, stop: shape, strides: shape?) -> array",
    doc: "`a[start:stop:strides]`, one entry per axis.",
    cpp: "strides ? mx::slice(a, start, stop, nonzero(*strides)) : mx::slice(a, start, stop)",
  },
  {
    signature: "sliceUpdate(a: array, update: array, start: shape, stop: shape, strides: shape?) -> array",
    doc: "`a` with `a[start:stop:strides]` replaced by `update`.",
    cpp: "strides ? mx::slice_update(a, update, start, stop, nonzero(*strides)) : mx::slice_update(a, update, start, stop)",
  },
  {
    signature: "sliceAt(a: array, start: array, axes: ints, sliceSize: shape) -> array",
    doc: "A slice of shape `sliceSize` whose start along `axes` is an array `[axes.length]`.",
    cpp: "mx::slice(a, start, axes, sliceSize)",
  },
  {
    signature: "sliceUpdateAt(a: array, update: array, start: array, axes: ints) -> array",
    doc: "`a` with `update` written where the array `start` says along `axes`.",
    cpp: "mx::slice_update(a, like(update, a), start, axes)",
  },
  {
    signature: "splitSections(a: array, sections: int, axis: int = 0) -> arrays",
    doc: "`a` cut into equal sections along `axis`.",
    cpp: "mx::split(a, sections, axis)",
  },
  {
    signature: "splitAt(a: array, indices: shape, axis: int = 0) -> arrays",
    doc: "`a` cut before each index along `axis`.",
    cpp: "mx::split(a, indices, axis)",
  },
  {
    signature: "concatenate(arrays: arrays, axis: int = 0) -> array",
    doc: "The arrays joined along an existing axis.",
  },
  { signature: "stack(arrays: arrays, axis: int = 0) -> array", doc: "The arrays joined along a new axis." },
  {
    signature: "repeat(a: array, repeats: int, axis: int?) -> array",
    doc: "Each element repeated along `axis`, or of the flattened array.",
    cpp: "axis ? mx::repeat(a, repeats, *axis) : mx::repeat(a, repeats)",
  },
  {
    signature: "tile(a: array, repetitions: axes) -> array",
    doc: "`a` repeated as a whole along each axis.",
  },
  {
    signature:
      'pad(a: array, axes: ints, low: shape, high: shape, value: operand = 0, mode: string = "constant") -> array',
    doc: "`a` padded by `low` and `high` along `axes`; mode `constant` or `edge`.",
    cpp: "mx::pad(a, axes, low, high, resolve(value, a.dtype()), mode)",
  },
  {
    signature: "roll(a: array, shift: axes, axis: axes?) -> array",
    doc: "`a` shifted cyclically along `axis`, or flattened.",
    cpp: "axis ? mx::roll(a, mx::Shape(shift.begin(), shift.end()), *axis) : mx::roll(a, mx::Shape(shift.begin(), shift.end()))",
  },
  {
    signature: "flip(a: array, axis: axes?) -> array",
    doc: "`a` reversed along `axis`, or all axes.",
    cpp: "axis ? mx::flip(a, *axis) : mx::flip(a)",
  },
  {
    signature: "depends(inputs: arrays, dependencies: arrays) -> arrays",
    doc: "`inputs`, evaluated only after `dependencies`; at least one of each.",
    cpp: "mx::depends(nonempty(inputs), nonempty(dependencies))",
  },
  { signature: "stopGradient(a: array) -> array", doc: "`a`, through which no gradient flows." },
];

const elementwise: OpRow[] = [
  { ...binary("add", "Sum."), cpp: "cpu::add(left(a, b), right(a, b))" },
  binary("subtract", "Difference."),
  binary("multiply", "Product."),
  binary("divide", "True quotient."),
  binary("floorDivide", "Quotient rounded down."),
  binary("remainder", "Remainder with the sign of `b`."),
  binary("power", "`a` to the power of `b`."),
  binary("maximum", "The larger of the two."),
  binary("minimum", "The smaller of the two."),
  binary("logaddexp", "`log(exp(a) + exp(b))` without overflow."),
  binary("arctan2", "The angle of the point `(b, a)`, radians."),
  binary("equal", "`a == b`; bool."),
  binary("notEqual", "`a != b`; bool."),
  binary("less", "`a < b`; bool."),
  binary("lessEqual", "`a <= b`; bool."),
  binary("greater", "`a > b`; bool."),
  binary("greaterEqual", "`a >= b`; bool."),
  binary("logicalAnd", "Both; bool."),
  binary("logicalOr", "Either; bool."),
  binary("bitwiseAnd", "Bits in both."),
  binary("bitwiseOr", "Bits in either."),
  binary("bitwiseXor", "Bits in exactly one."),
  binary("leftShift", "Bits moved up."),
  binary("rightShift", "Bits moved down."),
  unary("negative", "`-a`."),
  unary("abs", "Absolute value."),
  unary("sign", "-1, 0 or 1."),
  unary("square", "`a * a`."),
  unary("sqrt", "Square root."),
  unary("rsqrt", "`1 / sqrt(a)`."),
  unary("reciprocal", "`1 / a`."),
  unary("exp", "`e ** a`."),
  unary("expm1", "`e ** a - 1`, exact near 0."),
  unary("log", "Natural logarithm."),
  unary("log2", "Logarithm to base 2."),
  unary("log10", "Logarithm to base 10."),
  unary("log1p", "`log(1 + a)`, exact near 0."),
  unary("sin", "Sine of radians."),
  unary("cos", "Cosine of radians."),
  unary("tan", "Tangent of radians."),
  unary("arcsin", "Inverse sine, radians."),
  unary("arccos", "Inverse cosine, radians."),
  unary("arctan", "Inverse tangent, radians."),
  unary("sinh", "Hyperbolic sine."),
  unary("cosh", "Hyperbolic cosine."),
  unary("tanh", "Hyperbolic tangent."),
  unary("sigmoid", "`1 / (1 + exp(-a))`."),
  unary("erf", "Error function."),
  unary("erfinv", "Inverse error function."),
  unary("floor", "Rounded down."),
  unary("ceil", "Rounded up."),
  { signature: "round(a: array, decimals: int = 0) -> array", doc: "Rounded half to even." },
  unary("isnan", "Where `a` is not a number; bool."),
  unary("isinf", "Where `a` is infinite; bool."),
  unary("isfinite", "Where `a` is finite; bool."),
  unary("logicalNot", "`!a`; bool."),
  unary("bitwiseInvert", "`~a`."),
  {
    signature: "where(condition: array, x: operand, y: operand) -> array",
    doc: "`x` where `condition`, else `y`. The shapes broadcast.",
    cpp: "mx::where(condition, left(x, y), right(x, y))",
  },
  {
    signature: "clip(a: array, min: operand?, max: operand?) -> array",
    doc: "`a` limited to `[min, max]`.",
    cpp: "mx::clip(a, resolve_optional(min, a.dtype()), resolve_optional(max, a.dtype()))",
  },
  {
    signature: "nanToNum(a: array, nan: float = 0, posinf: float?, neginf: float?) -> array",
    doc: "`a` with NaN and infinities replaced.",
  },
  {
    signature: "arrayEqual(a: array, b: array, equalNan: bool = false) -> array",
    doc: "Whether shapes and all elements are equal; a bool scalar.",
  },
  {
    signature:
      "allclose(a: array, b: array, rtol: float = 1e-5, atol: float = 1e-8, equalNan: bool = false) -> array",
    doc: "Whether `|a - b| <= atol + rtol * |b|` everywhere; a bool scalar.",
  },
  { signature: "toFp8(a: array) -> array", doc: "`a` as E4M3 bytes; uint8." },
  { signature: "fromFp8(a: array, dtype: dtype = bfloat16) -> array", doc: "E4M3 bytes as `dtype`." },
];

const reducing: OpRow[] = [
  reduction("sum", "Sum"),
  reduction("mean", "Mean"),
  reduction("prod", "Product"),
  reduction("max", "Largest element"),
  reduction("min", "Smallest element"),
  reduction("all", "Whether all elements hold"),
  reduction("any", "Whether any element holds"),
  reduction("logsumexp", "`log(sum(exp(a)))` without overflow"),
  {
    signature: "variance(a: array, axis: axes?, keepdims: bool = false, ddof: int = 0) -> array",
    doc: "Variance over `axis`, or over all axes.",
    cpp: "axis ? mx::var(a, *axis, keepdims, ddof) : mx::var(a, keepdims, ddof)",
  },
  {
    signature: "std(a: array, axis: axes?, keepdims: bool = false, ddof: int = 0) -> array",
    doc: "Standard deviation over `axis`, or over all axes.",
    cpp: "axis ? mx::std(a, *axis, keepdims, ddof) : mx::std(a, keepdims, ddof)",
  },
  { ...argReduction("argmax", "Index of the largest element"), cpp: "cpu::argmax(a, axis, keepdims)" },
  argReduction("argmin", "Index of the smallest element"),
  scan("cumsum", "Running sum"),
  scan("cumprod", "Running product"),
  scan("cummax", "Running maximum"),
  {
    signature: "softmax(a: array, axis: axes?, precise: bool = false) -> array",
    doc: "Softmax over `axis`, or over all; `precise` accumulates in float32.",
    cpp: "cpu::softmax(a, axis, precise)",
  },
  { signature: "sort(a: array, axis: int = -1) -> array", doc: "`a` sorted along `axis`, ascending." },
  {
    signature: "argsort(a: array, axis: int = -1) -> array",
    doc: "Indices that sort `a` along `axis`; uint32.",
  },
  {
    signature: "partition(a: array, kth: int, axis: int = -1) -> array",
    doc: "`a` with the kth element in its sorted place along `axis`, smaller ones before it.",
  },
  {
    signature: "argpartition(a: array, kth: int, axis: int = -1) -> array",
    doc: "Indices that partition `a` at the kth element along `axis`; uint32.",
  },
  {
    signature: "topk(a: array, k: int, axis: int = -1) -> array",
    doc: "The `k` largest elements along `axis`, unordered.",
  },
];

const indexing: OpRow[] = [
  {
    signature: "take(a: array, indices: array, axis: int?) -> array",
    doc: "The slices of `a` at `indices` along `axis`, or elements of the flattened array.",
    cpp: "axis ? mx::take(a, indices, *axis) : mx::take(a, indices)",
  },
  {
    signature: "takeAlongAxis(a: array, indices: array, axis: int) -> array",
    doc: "`a[i][indices[i][j]]`, matching shapes.",
  },
  {
    signature: "putAlongAxis(a: array, indices: array, values: operand, axis: int) -> array",
    doc: "`a` with `values` written at `indices` along `axis`.",
    cpp: "mx::put_along_axis(a, indices, resolve(values, a.dtype()), axis)",
  },
  {
    signature: "scatterAddAxis(a: array, indices: array, values: array, axis: int) -> array",
    doc: "`a` with `values` added at `indices` along `axis`.",
  },
  {
    signature: "gather(a: array, indices: arrays, axes: ints, sliceSizes: shape) -> array",
    doc: "Slices of `a` of shape `sliceSizes` starting at `indices` along `axes`: `[...indices, ...sliceSizes]`.",
  },
  {
    signature: "scatter(a: array, indices: arrays, updates: array, axes: ints) -> array",
    doc: "`a` with `updates` `[...indices, ...slices]` written at `indices` along `axes`.",
  },
  {
    signature: "scatterAdd(a: array, indices: arrays, updates: array, axes: ints) -> array",
    doc: "`a` with `updates` `[...indices, ...slices]` added at `indices` along `axes`.",
  },
  {
    signature: 'searchsorted(sortedSequence: array, values: array, side: string = "left") -> array',
    doc: "Where `values` would be inserted into a sorted `[N]`.",
  },
];

const products: OpRow[] = [
  {
    signature: "matmul(a: array, b: array) -> array",
    doc: "`[..., M, K] x [..., K, N] -> [..., M, N]`.",
    cpp: "cpu::matmul(a, b)",
  },
  {
    signature: "addmm(c: array, a: array, b: array, alpha: float = 1, beta: float = 1) -> array",
    doc: "`beta * c + alpha * (a @ b)`.",
    cpp: "cpu::addmm(c, a, b, alpha, beta)",
  },
  {
    signature:
      "gatherMm(a: array, b: array, lhsIndices: array?, rhsIndices: array?, sortedIndices: bool = false) -> array",
    doc: "Matrix products of the batch entries that the indices choose.",
    cpp: "cpu::gather_mm(a, b, lhsIndices, rhsIndices, sortedIndices)",
  },
  {
    signature:
      "blockMaskedMm(a: array, b: array, blockSize: int, maskOut: array?, maskLhs: array?, maskRhs: array?) -> array",
    doc: "Matrix product with blocks masked out.",
  },
  { signature: "outer(a: array, b: array) -> array", doc: "`[M] x [N] -> [M, N]`." },
  {
    signature: "tensordot(a: array, b: array, axes: int = 2) -> array",
    doc: "Sum of products over the last `axes` of `a` and the first of `b`.",
    cpp: "mx::tensordot(a, b, axes)",
  },
  {
    signature: "einsum(subscripts: string, operands: arrays) -> array",
    doc: "Sum of products in Einstein's notation.",
  },
  {
    signature:
      "conv1d(input: array, weight: array, stride: int = 1, padding: int = 0, dilation: int = 1, groups: int = 1) -> array",
    doc: "`[B, L, C_in] * [C_out, W, C_in / groups] -> [B, L', C_out]`.",
    cpp: 'cpu::conv1d(input, weight, stride, padding, dilation, positive(groups, "number of groups"))',
  },
  {
    signature:
      "convGeneral(input: array, weight: array, stride: ints, paddingLow: ints, paddingHigh: ints, kernelDilation: ints, inputDilation: ints, groups: int = 1, flip: bool = false) -> array",
    doc: "Convolution over any number of spatial axes, channels last.",
    cpp: 'cpu::conv_general(input, weight, stride, paddingLow, paddingHigh, kernelDilation, inputDilation, positive(groups, "number of groups"), flip)',
  },
  {
    signature: "hadamardTransform(a: array, scale: float?) -> array",
    doc: "Hadamard transform of the last axis, times `scale` (default `1 / sqrt(N)`).",
  },
];

const quantized: OpRow[] = [
  {
    signature:
      'quantize(w: array, groupSize: int?, bits: int?, mode: string = "affine", globalScale: array?) -> arrays',
    doc: "`[N, K]` packed into uint32 `[N, K * bits / 32]` with scales `[N, K / groupSize]` and, for `affine`, biases.",
    cpp: 'mx::quantize(w, positive(groupSize, "group size"), positive(bits, "number of bits"), mode, globalScale)',
  },
  {
    signature:
      'dequantize(w: array, scales: array, biases: array?, groupSize: int?, bits: int?, mode: string = "affine", globalScale: array?, dtype: dtype?) -> array',
    doc: "The inverse of `quantize`: `[N, K]`.",
    cpp: 'mx::dequantize(w, scales, biases, positive(groupSize, "group size"), positive(bits, "number of bits"), mode, globalScale, dtype)',
  },
  {
    signature:
      'quantizedMatmul(x: array, w: array, scales: array, biases: array?, transpose: bool = true, groupSize: int?, bits: int?, mode: string = "affine") -> array',
    doc: "`[..., K] x` quantized `[N, K]` (transposed) `-> [..., N]`.",
    cpp: 'cpu::quantized_matmul(x, w, scales, biases, transpose, positive(groupSize, "group size"), positive(bits, "number of bits"), mode)',
  },
  {
    signature:
      'gatherQmm(x: array, w: array, scales: array, biases: array?, lhsIndices: array?, rhsIndices: array?, transpose: bool = true, groupSize: int?, bits: int?, mode: string = "affine", globalScale: array?, sortedIndices: bool = false) -> array',
    doc: "Quantized matrix products of the batch entries that the indices choose.",
    cpp: 'cpu::gather_qmm(x, w, scales, biases, lhsIndices, rhsIndices, transpose, positive(groupSize, "group size"), positive(bits, "number of bits"), mode, globalScale, sortedIndices)',
  },
];

const fast: OpRow[] = [
  {
    group: "fast",
    signature: "rmsNorm(x: array, weight: array?, eps: float) -> array",
    doc: "`x / sqrt(mean(x ** 2) + eps) * weight` over the last axis, in float32 inside.",
    cpp: "cpu::rms_norm(x, weight, static_cast<float>(eps))",
  },
  {
    group: "fast",
    signature: "layerNorm(x: array, weight: array?, bias: array?, eps: float) -> array",
    doc: "Layer normalisation over the last axis, in float32 inside.",
    cpp: "cpu::layer_norm(x, weight, bias, static_cast<float>(eps))",
  },
  {
    group: "fast",
    signature:
      "rope(x: array, dims: int, traditional: bool, base: float?, scale: float, offset: int, freqs: array?) -> array",
    doc: "Rotary position embedding of `[B, ..., L, D]`; the first `dims` features turn, positions start at `offset`.",
    cpp: "cpu::rope(x, dims, traditional, base, static_cast<float>(scale), offset, freqs)",
  },
  {
    group: "fast",
    signature:
      "ropeAt(x: array, dims: int, traditional: bool, base: float?, scale: float, offsets: array, freqs: array?) -> array",
    doc: "Rotary position embedding with a start position per batch row, `[B]` or a scalar array.",
    cpp: "cpu::rope(x, dims, traditional, base, static_cast<float>(scale), offsets, freqs)",
  },
  {
    group: "fast",
    signature:
      "rotatedHeads(x: array, matrices: arrays, bits: ints, groupSizes: ints, rows: arrays, heads: int, keyHeads: int, dims: int, traditional: bool, base: float?, scale: float, offset: int, freqs: array?) -> arrays",
    doc: "Queries `[B, H, L, D]` and keys `[B, K, L, D]` at their positions, and values, of `x [B, L, E]`: three affine matrices `[w, scales, biases, ...]`, added `rows` (three or none), then rope.",
    cpp: "cpu::rotated_heads(x, {matrices, bits, groupSizes, rows, heads, keyHeads}, {dims, traditional, base, static_cast<float>(scale), offset, freqs})",
  },
  {
    group: "fast",
    signature:
      'scaledDotProductAttention(q: array, k: array, v: array, scale: float, maskMode: string = "", mask: array?, sinks: array?) -> array',
    doc: '`softmax(scale * q @ kT + mask) @ v` for `q [B, H, L, D]`, `k v [B, K, S, D]`; mode `"causal"`, `"array"` or none.',
    cpp: "cpu::scaled_dot_product_attention(q, k, v, static_cast<float>(scale), maskMode, mask, sinks)",
  },
  {
    group: "fast",
    signature:
      'softCappedAttention(q: array, k: array, v: array, scale: float, cap: float, maskMode: string = "", mask: array?) -> array',
    doc: "Attention whose scores are `cap * tanh(scale * q @ kT / cap)` before the mask; else as scaledDotProductAttention.",
    cpp: "cpu::soft_capped_attention(q, k, v, static_cast<float>(scale), static_cast<float>(cap), maskMode, mask)",
  },
  {
    group: "fast",
    signature:
      "appendToCache(keys: array, values: array, newKeys: array, newValues: array, start: int) -> arrays",
    doc: "Writes `[B, K, L, D]` at position `start` of two buffers `[B, K, C, D]`, on the CPU in place: no other array may hold their positions from `start` on. Gives both buffers, then their first `start + L` positions.",
    cpp: "cpu::append_to_cache(keys, values, newKeys, newValues, start)",
  },
  {
    group: "fast",
    signature: "quantizeRows(x: array, groupSize: int, bits: int, scales: dtype) -> array",
    doc: "`[..., D]`, rounded to the dtype of the scales and quantized as `quantize` does, as uint32 `[..., W]`: the numbers of a row, then its scales, then its biases.",
    cpp: "cpu::quantize_rows(x, groupSize, bits, scales)",
  },
  {
    group: "fast",
    signature: "dequantizeRows(rows: array, groupSize: int, bits: int, scales: dtype, dtype: dtype) -> array",
    doc: "The inverse of `quantizeRows`: `[..., D]` of `dtype`. On the CPU attention reads the rows themselves.",
    cpp: "cpu::dequantize_rows(rows, groupSize, bits, scales, dtype)",
  },
  {
    group: "fast",
    signature: "extendCache(buffer: array, used: int, capacity: int) -> array",
    doc: "A buffer `[B, K, capacity, D]` with the first `used` positions of another `[B, K, C, D]`, and zeros behind them.",
    cpp: "cpu::extend_cache(buffer, used, capacity)",
  },
  {
    group: "fast",
    signature:
      'quantizedEmbedding(ids: array, w: array, scales: array, biases: array?, groupSize: int?, bits: int?, mode: string = "affine", dtype: dtype?) -> array',
    doc: "Rows `ids [...]` of quantized `[V, E]`, dequantized: `[..., E]` of `dtype`, by default that of the scales.",
    cpp: 'cpu::quantized_embedding(ids, w, scales, biases, positive(groupSize, "group size"), positive(bits, "number of bits"), mode, dtype)',
  },
  {
    group: "fast",
    signature: "addGatheredRows(x: array, rows: array, indices: array) -> array",
    doc: "`x [..., M, N]` plus the rows of `rows [X, N]` that `indices [...]` name, each for M rows.",
    cpp: "cpu::add_gathered_rows(x, rows, indices)",
  },
  {
    group: "fast",
    signature: "weightedSum(x: array, weights: array) -> array",
    doc: "`x [..., k, E]` times `weights [..., k]`, summed over k: `[..., E]` of x's dtype.",
    cpp: "cpu::weighted_sum(x, weights)",
  },
  {
    group: "fast",
    signature: "swiglu(gate: array, x: array) -> array",
    doc: "`gate * sigmoid(gate) * x`.",
    cpp: "cpu::swiglu(gate, x)",
  },
  {
    group: "fast",
    signature: "geglu(gate: array, x: array) -> array",
    doc: "GELU by tanh of `gate`, times `x`: `0.5 gate (1 + tanh(sqrt(2 / pi) (gate + 0.044715 gate^3))) x`.",
    cpp: "cpu::geglu(gate, x)",
  },
  {
    group: "fast",
    signature: "swigluOai(gate: array, x: array, alpha: float, limit: float) -> array",
    doc: "`g * sigmoid(alpha * g) * (v + 1)`, where `g` is the gate, at most `limit`, and `v` is `x` within `limit` of zero.",
    cpp: "cpu::swiglu_oai(gate, x, static_cast<float>(alpha), static_cast<float>(limit))",
  },
  {
    group: "fast",
    signature: "silu(x: array) -> array",
    doc: "`x * sigmoid(x)`.",
    cpp: "cpu::silu(x)",
  },
  {
    group: "fast",
    signature: "gelu(x: array) -> array",
    doc: "`x * Phi(x)` with the exact error function.",
    cpp: "cpu::gelu(x)",
  },
  {
    group: "fast",
    signature: "geluApprox(x: array) -> array",
    doc: "GELU by tanh: `0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))`.",
    cpp: "cpu::gelu_approx(x)",
  },
  {
    group: "fast",
    signature: "softcap(x: array, cap: float) -> array",
    doc: "`cap * tanh(x / cap)`.",
    cpp: "cpu::softcap(x, static_cast<float>(cap))",
  },
];

const sampling: OpRow[] = [
  {
    group: "fast",
    signature: "topP(logits: array, topP: float) -> array",
    doc: "`[..., V]` with all but the smallest set of likeliest entries whose probabilities reach `topP` at minus infinity.",
    cpp: "cpu::top_p(logits, topP)",
  },
];

const random: OpRow[] = [
  { group: "random", signature: "key(seed: uint) -> array", doc: "A random key from a seed; uint32 `[2]`." },
  {
    group: "random",
    signature: "splitKey(key: array, num: int = 2) -> array",
    doc: "`num` independent keys; `[num, 2]`.",
    cpp: "mx::random::split(key, num)",
  },
  {
    group: "random",
    signature:
      "uniform(low: operand, high: operand, shape: shape, dtype: dtype = float32, key: array?) -> array",
    doc: "Uniform samples in `[low, high)`.",
    cpp: "mx::random::uniform(resolve(low, dtype), resolve(high, dtype), shape, dtype, key)",
  },
  {
    group: "random",
    signature:
      "normal(shape: shape, dtype: dtype = float32, loc: float = 0, scale: float = 1, key: array?) -> array",
    doc: "Normal samples.",
  },
  {
    group: "random",
    signature:
      "randint(low: operand, high: operand, shape: shape, dtype: dtype = int32, key: array?) -> array",
    doc: "Integers in `[low, high)`.",
    cpp: "mx::random::randint(resolve(low, dtype), resolve(high, dtype), shape, dtype, key)",
  },
  {
    group: "random",
    signature: "bernoulli(p: operand, shape: shape, key: array?) -> array",
    doc: "Bools that are true with probability `p`.",
    cpp: "mx::random::bernoulli(resolve(p, mx::float32), shape, key)",
  },
  {
    group: "random",
    signature: "gumbel(shape: shape, dtype: dtype = float32, key: array?) -> array",
    doc: "Gumbel samples.",
  },
  {
    group: "random",
    signature: "categorical(logits: array, axis: int = -1, key: array?) -> array",
    doc: "One index per row, drawn with probability `softmax(logits)` along `axis`; uint32.",
    cpp: "cpu::categorical(logits, axis, key)",
  },
  {
    group: "random",
    signature: "permutation(a: array, axis: int = 0, key: array?) -> array",
    doc: "`a` shuffled along `axis`.",
  },
];

const linalg: OpRow[] = [
  {
    group: "linalg",
    signature: "norm(a: array, ord: float?, axis: axes?, keepdims: bool = false) -> array",
    doc: "Vector or matrix norm; 2-norm of the flattened array by default. The largest or smallest singular value (`ord` 2 or -2) of a matrix that is not finite is NaN.",
    cpp: "norm(a, ord, axis, keepdims)",
  },
];

export const ops: readonly OpRow[] = [
  ...creation,
  ...shaping,
  ...elementwise,
  ...reducing,
  ...indexing,
  ...products,
  ...quantized,
  ...fast,
  ...sampling,
  ...random,
  ...linalg,
];
