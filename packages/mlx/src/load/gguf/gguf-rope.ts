import type { GgufFields } from "./gguf-fields.ts";
import { ropeDims } from "./gguf-row.ts";

/** Llama 3's published scaling, which GGUF keeps only as the factors that follow from it. */
const LLAMA3_LOW_FREQ_FACTOR = 1;
const LLAMA3_HIGH_FREQ_FACTOR = 4;
const LLAMA3_ORIGINAL_CONTEXTS = [8192, 4096, 16384, 32768, 65536, 131072];

/** What converters compute in float32 agrees to about 1e-5. */
const FACTOR_TOLERANCE = 1e-3;

/**
 * The `rope_scaling` of the config, or undefined for plain rotary embeddings.
 *
 * @param dims - features of a head that turn; by default what its metadata say
 */
export function ggufRopeScaling(fields: GgufFields, dims?: number): Record<string, unknown> | undefined {
  const long = fields.floats("rope_factors_long.weight");
  const short = fields.floats("rope_factors_short.weight");
  if (long !== undefined && short !== undefined)
    return longrope({ long, short }, fields, dims ?? ropeDims(fields));
  const freqs = fields.floats("rope_freqs.weight");
  return freqs === undefined ? namedRopeScaling(fields) : llama3(freqs, fields, dims ?? ropeDims(fields));
}

/** The scaling that metadata name: linear or yarn. */
export function namedRopeScaling(fields: GgufFields): Record<string, unknown> | undefined {
  const type = fields.text("rope.scaling.type") ?? "none";
  const factor = fields.number("rope.scaling.factor") ?? fields.number("rope.scale_linear");
  if (type === "none" && fields.number("rope.scale_linear") === undefined) return undefined;
  if (factor === undefined || factor <= 0) return fields.fail("rope.scaling.factor", "a positive number");
  if (type === "linear" || type === "none") return { type: "linear", rope_type: "linear", factor };
  if (type === "yarn") return yarn(fields, factor);
  return fields.unsupported(
    `rope scaling ${JSON.stringify(type)} is not supported for ${fields.architecture}`,
  );
}

function yarn(fields: GgufFields, factor: number): Record<string, unknown> {
  const attention =
    fields.number("rope.scaling.attn_factor") ?? fields.number("rope.scaling.yarn_attn_factor") ?? 1;
  if (attention !== 1) fields.unsupported(`yarn with an attention factor of ${attention} is not supported`);
  const optional = {
    beta_fast: fields.number("rope.scaling.yarn_beta_fast"),
    beta_slow: fields.number("rope.scaling.yarn_beta_slow"),
    ...magnitudes(fields),
  };
  return {
    type: "yarn",
    rope_type: "yarn",
    factor,
    original_max_position_embeddings: fields.count("rope.scaling.original_context_length"),
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  };
}

/** How much longer vectors count; files keep one for both, and DeepSeek's a tenth of it. */
function magnitudes(fields: GgufFields): Record<string, number> {
  const log = fields.number("rope.scaling.yarn_log_multiplier");
  if (log === undefined) return {};
  const mscale = fields.architecture === "deepseek2" ? Number((log * 10).toPrecision(6)) : log;
  return { mscale, mscale_all_dim: mscale };
}

/** Phi-3: the factors themselves. The attention factor must be the one that follows from the context lengths. */
function longrope(
  factors: { long: number[]; short: number[] },
  fields: GgufFields,
  ropeDimension: number,
): Record<string, unknown> {
  if (factors.long.length !== ropeDimension / 2 || factors.short.length !== ropeDimension / 2) {
    fields.unsupported(`rope factors should have ${ropeDimension / 2} values`);
  }
  const original =
    fields.optionalCount("rope.scaling.original_context_length") ?? fields.count("context_length");
  const scale = fields.count("context_length") / original;
  const expected = scale > 1 ? Math.sqrt(1 + Math.log(scale) / Math.log(original)) : 1;
  const attention = fields.number("rope.scaling.attn_factor") ?? expected;
  if (Math.abs(attention - expected) > FACTOR_TOLERANCE) {
    fields.unsupported(
      `an attention factor of ${attention} is not supported; longrope would have ${expected}`,
    );
  }
  return {
    type: "longrope",
    rope_type: "longrope",
    long_factor: factors.long,
    short_factor: factors.short,
    original_max_position_embeddings: original,
  };
}

/** Finds Llama 3's parameters from the factors they produced, and refuses factors that none produce. */
function llama3(
  factors: number[],
  fields: GgufFields,
  ropeDimension: number,
): Record<string, unknown> | undefined {
  const factor = factors.reduce((most, value) => Math.max(most, value), 1);
  if (factors.every((value) => value === 1)) return undefined;
  const base = fields.number("rope.freq_base") ?? 10_000;
  const original = LLAMA3_ORIGINAL_CONTEXTS.find((context) => {
    const expected = llama3Factors(factor, context, base, ropeDimension);
    return (
      expected.length === factors.length &&
      expected.every((value, i) => Math.abs(value - (factors[i] ?? 0)) <= FACTOR_TOLERANCE * value)
    );
  });
  if (original === undefined)
    return fields.unsupported("rope_freqs.weight has factors that are not Llama 3's");
  return {
    type: "llama3",
    rope_type: "llama3",
    factor,
    low_freq_factor: LLAMA3_LOW_FREQ_FACTOR,
    high_freq_factor: LLAMA3_HIGH_FREQ_FACTOR,
    original_max_position_embeddings: original,
  };
}

function llama3Factors(factor: number, context: number, base: number, ropeDimension: number): number[] {
  return Array.from({ length: ropeDimension / 2 }, (_, i) => {
    const wavelength = 2 * Math.PI * base ** ((2 * i) / ropeDimension);
    if (wavelength < context / LLAMA3_HIGH_FREQ_FACTOR) return 1;
    if (wavelength > context / LLAMA3_LOW_FREQ_FACTOR) return factor;
    const smooth =
      (context / wavelength - LLAMA3_LOW_FREQ_FACTOR) / (LLAMA3_HIGH_FREQ_FACTOR - LLAMA3_LOW_FREQ_FACTOR);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}
