/** A process with one model in one mode, for the `kl` benchmark; settings of the CPU kernels hold for a whole thread. */
import * as mx from "@abstractllm/mlx/core";
import { importLoad, importPromptReader } from "../support/engine-internals.ts";
import { readJob } from "../support/run-player.ts";

export interface LogitsMode {
  modelPath: string;
  exact: boolean;
}

export interface LogitsRequest {
  tokens: readonly number[];
  /** So many of the last tokens go through the model one at a time, as in decoding; 0 evaluates all at once. */
  stepped: number;
  /** Whether those before them are a prompt, which the engine reads in its own way; the first step is its last token. */
  isPrompt?: boolean;
}

/** Logits `[n, V]` of every token, or of the stepped ones alone. */
export interface LogitsReply {
  rows: Float32Array[];
}

const { modelPath, exact } = readJob<LogitsMode>();
const { loadModel } = await importLoad();
const { model } = await loadModel(modelPath, { device: "cpu", exact, tokenizer: false });
const readPrompt = await importPromptReader();

const rowsOf = (logits: mx.MxArray): Float32Array[] => {
  const [, length = 0, width = 0] = logits.shape;
  const all = mx.astype(logits, mx.float32).toTypedArray() as Float32Array<ArrayBuffer>;
  return Array.from({ length }, (_, i) => all.slice(i * width, (i + 1) * width));
};

const answer = ({ tokens, stepped, isPrompt = false }: LogitsRequest): LogitsReply => {
  const [first, steps] = [
    tokens.slice(0, tokens.length - stepped),
    stepped === 0 ? [] : tokens.slice(-stepped),
  ];
  const cache = isPrompt ? readPrompt(model, [...first, ...steps.slice(0, 1)], !exact) : model.makeCache();
  const forward = (part: readonly number[]): Float32Array[] =>
    mx.tidy(() => rowsOf(model.forward(mx.array([[...part]], mx.int32), { cache })));
  // the engine keeps the logits of the prompt's last token to itself
  if (isPrompt) for (const layer of cache) layer.trim(1);
  const atOnce = isPrompt ? [] : forward(first);
  const oneByOne = steps.flatMap((token) => forward([token]));
  for (const layer of cache) layer.dispose();
  return { rows: stepped === 0 ? atOnce : oneByOne };
};

process.on("message", (request: LogitsRequest) => process.send?.(answer(request)));
