import { formatBytes } from "../config/format-bytes.ts";
import type { GenerateResponse } from "../interface/generate-response.ts";
import type { Terminal } from "./terminal.ts";

/** Warnings, one line each on stderr. */
export function printWarnings(warnings: readonly string[], terminal: Terminal): void {
  for (const warning of warnings) terminal.note(`${terminal.styleNote("yellow", "warning:")} ${warning}`);
}

/** How many tokens an answer took and how fast they came, as one line on stderr. */
export function printStats({ usage, timings, finishReason }: GenerateResponse, terminal: Terminal): void {
  const parts = [`${usage.inputTokens} tokens in, ${usage.outputTokens} out`];
  if (timings !== undefined) {
    parts.push(
      `${timings.decodeTokensPerSecond.toFixed(1)} tokens/s`,
      `first token after ${Math.round(timings.timeToFirstTokenMs)} ms`,
      `prompt ${timings.prefillTokensPerSecond.toFixed(1)} tokens/s`,
      `peak memory ${formatBytes(timings.peakMemoryBytes)}`,
    );
  }
  const { draftedTokens = 0, acceptedTokens = 0 } = timings ?? {};
  if (draftedTokens > 0) parts.push(`${acceptedTokens} of ${draftedTokens} guesses right`);
  if (finishReason !== "stop") parts.push(`ended by ${finishReason}`);
  terminal.note(terminal.styleNote("dim", parts.join(" · ")));
}
