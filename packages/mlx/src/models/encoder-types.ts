/** The values of `model_type` that are encoders by themselves. */
export const encoderTypes = ["bert", "camembert", "modernbert", "mpnet", "roberta", "xlm-roberta"] as const;

/** One of {@link encoderTypes}. */
export type EncoderType = (typeof encoderTypes)[number];
