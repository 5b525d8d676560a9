import * as seven from "ai";
import * as six from "ai-6";

/** The AI SDK; the cases use of it what both versions have. */
export type AISDK = typeof seven;

/** The versions that the models are for. */
export const AI_SDKS: readonly { readonly version: number; readonly ai: AISDK }[] = [
  { version: 6, ai: six as unknown as AISDK }, // what types say of both is checked in test/types
  { version: 7, ai: seven },
];
