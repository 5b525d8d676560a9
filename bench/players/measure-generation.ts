/** The measuring part of a player that runs in Node; the same code for every one of them. */
import { readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { GenerationJob, GenerationReport } from "./generation-job.ts";

/** A model that is loaded, behind the player's own streaming interface. */
export interface LoadedPlayer {
  /** Greedy continuation; never stops early. Calls back with each piece of text and the tokens since the last one. */
  generate(
    prompt: readonly number[],
    maxTokens: number,
    onText: (text: string, tokens: number) => void,
  ): Promise<{ tokens: number }>;
  /** Evaluates a prompt, forgetting everything before. */
  prefill(prompt: readonly number[]): Promise<void>;
  weightBytes?: number;
}

const MONITOR_RESOLUTION_MS = 2;

/** getrusage counts the parent's memory before exec, so Linux is asked for this program's alone. */
const peakBytes = (): number => {
  if (process.platform !== "linux") return process.resourceUsage().maxRSS * 1024;
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return Number(kilobytes) * 1024;
};

interface Timed {
  firstMs: number;
  /** After the first text. */
  restMs: number;
  restTokens: number;
  text: string;
}

const timeGeneration = async (
  player: LoadedPlayer,
  prompt: readonly number[],
  maxTokens: number,
): Promise<Timed> => {
  let text = "";
  let first: { at: number; tokens: number } | undefined;
  const start = performance.now();
  const { tokens } = await player.generate(prompt, maxTokens, (piece, count) => {
    if (piece !== "") first ??= { at: performance.now(), tokens: count };
    text += piece;
  });
  const end = performance.now();
  if (tokens !== maxTokens) throw new Error(`Expected ${maxTokens} tokens but received ${tokens}: ${text}`);
  if (first === undefined) throw new Error(`${maxTokens} tokens gave no text`);
  return { firstMs: first.at - start, restMs: end - first.at, restTokens: tokens - first.tokens, text };
};

const timePrefill = async (player: LoadedPlayer, prompt: readonly number[]): Promise<number> => {
  const start = performance.now();
  await player.prefill(prompt);
  return performance.now() - start;
};

const FIRST_TOKEN_RUN = 4; // enough for text where the first token is half a character

/** Loads a model once, warms up, and measures everything the job asks for. */
export const measureGeneration = async (
  version: string,
  job: GenerationJob,
  load: () => Promise<LoadedPlayer>,
): Promise<GenerationReport> => {
  const baseline = peakBytes();
  const start = performance.now();
  const player = await load();
  const loadMs = performance.now() - start;
  await timeGeneration(player, job.warmUp.prompt, job.warmUp.tokens);
  const delay = monitorEventLoopDelay({ resolution: MONITOR_RESOLUTION_MS });
  delay.enable();
  const prefillMs = await timePrefill(player, job.prefill);
  const first = job.firstToken && (await timeGeneration(player, job.firstToken, FIRST_TOKEN_RUN));
  const decode = await timeGeneration(player, job.decode.prompt, job.decode.tokens);
  delay.disable();
  return {
    version,
    loadMs,
    prefillMs,
    firstTokenMs: first === null ? null : first.firstMs,
    decode: { ms: decode.restMs, tokens: decode.restTokens },
    peakBytes: peakBytes() - baseline,
    // the monitor's own timer counts its resolution
    eventLoopDelayMs: Math.max(0, delay.percentile(99) / 1e6 - MONITOR_RESOLUTION_MS),
    text: decode.text,
    ...(player.weightBytes === undefined ? {} : { weightBytes: player.weightBytes }),
  };
};
