/** How far apart two predictions of the next token are. */

/** Logits to log-probabilities. */
const logProbabilities = (logits: Float32Array): Float64Array => {
  let largest = Number.NEGATIVE_INFINITY;
  for (const value of logits) largest = Math.max(largest, value);
  let sum = 0;
  for (const value of logits) sum += Math.exp(value - largest);
  const offset = largest + Math.log(sum);
  return Float64Array.from(logits, (value) => value - offset);
};

const argmax = (values: Float32Array): number => {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] ?? 0) > (values[best] ?? 0)) best = i;
  return best;
};

export interface Divergence {
  /** KL(reference || other), in nats. */
  kl: number;
  /** Whether both name the same most likely token. */
  agrees: boolean;
  isIdentical: boolean;
}

/** Compares two rows of logits `[V]`. */
export const divergence = (reference: Float32Array, other: Float32Array): Divergence => {
  const p = logProbabilities(reference);
  const q = logProbabilities(other);
  let kl = 0;
  for (let i = 0; i < p.length; i++) {
    const own = p[i] ?? 0;
    kl += Math.exp(own) * (own - (q[i] ?? 0));
  }
  return {
    kl,
    agrees: argmax(reference) === argmax(other),
    isIdentical: reference.every((value, i) => value === other[i]),
  };
};
