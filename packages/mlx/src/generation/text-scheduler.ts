/** Requests that come and go while others run: continuous batching. */
import { hasCoarseActivations } from "../core/cpu.ts";
import * as mx from "../core/index.ts";
import type { GenerateRequest, GenerationPart } from "../engine/types.ts";
import { MlxError } from "../errors.ts";
import { ConstraintMaker, type TokenConstraint } from "../grammar/index.ts";
import { AdapterBatches } from "./adapter-batches.ts";
import { Answer } from "./answer.ts";
import { checkPromptTokens, checkRequest } from "./check-request.ts";
import { adapterName } from "./model-adapters.ts";
import type { PrefixCache } from "./prefix-cache.ts";
import type { Prompt } from "./prompt.ts";
import { checkBudget, openBudget } from "./reasoning/index.ts";
import { checkDrafts, openSpeculation, type Speculation } from "./speculation/index.ts";
import type { TextModel } from "./text-model.ts";
import { TokenScores } from "./token-scores.ts";
import { TokenSequence } from "./token-sequence.ts";
import { TokenTexts } from "./token-texts.ts";

const PREFILL_STEP = { cpu: 512, gpu: 2048 } as const;
/** Up to 8 rows the CPU's products read each weight once and give a row the bits it gets alone. */
const MAX_BATCH = { cpu: 8, gpu: 32 } as const;

export interface GenerateCall {
  /** Takes the parts of the answer as they become final. */
  emit(part: GenerationPart): void;
  signal?: AbortSignal;
}

/** One request on its way. */
interface Job extends GenerateCall {
  readonly prompt: Prompt;
  readonly request: GenerateRequest;
  /** What it chose of the model's adapters, as `ModelAdapters` names it. */
  readonly adapter: string | undefined;
  readonly answer: Answer;
  /** Of the answer's tokens, and of the prompt's, where they are asked for. */
  readonly scores: TokenScores | undefined;
  readonly promptScores: TokenScores | undefined;
  settle(ending: Ending): void;
}

type Finish = Extract<GenerationPart, { type: "finish" }>;
/** How a request ends. */
type Ending = { finish: Finish } | { error: unknown };

interface Prefill {
  readonly job: Job;
  readonly sequence: TokenSequence;
  readonly chunks: Generator<number>;
}

const scoresFor = (alternatives: number | undefined): TokenScores | undefined =>
  alternatives === undefined ? undefined : new TokenScores(alternatives);

/** @throws {MlxError} `unsupported-feature` for a prompt whose tokens have no probabilities */
const checkPromptScores = ({ promptLogprobs }: GenerateRequest, prompt: Prompt): void => {
  if (promptLogprobs === undefined) return;
  const isText = prompt.inputs === prompt.tokens && !prompt.tokens.some((id) => prompt.standsForImage(id));
  if (isText) return;
  throw new MlxError(
    "unsupported-feature",
    "Only prompts of text alone have promptLogprobs: leave out the images, or take a model that is no encoder-decoder",
  );
};

/** Lets messages in: aborts, new requests. */
const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Adds tokens to an answer until it ends; gives back its last part then. */
const emitTokens = (
  { answer, scores, emit }: Job,
  tokens: readonly number[],
  isComplete: boolean,
  texts: TokenTexts,
): Finish | undefined => {
  for (const [i, token] of tokens.entries()) {
    const [scored] = scores?.take() ?? [];
    const logprob = scored && texts.withText(scored);
    for (const part of answer.push(token, isComplete && i + 1 === tokens.length, logprob)) {
      if (part.type === "finish") return part;
      emit(part);
    }
  }
  return undefined;
};

/**
 * Answers the requests for one model. Each turn evaluates one chunk of one prompt and one token of every answer: a long
 * prompt holds the others up for no longer than a chunk, and prompts take turns.
 */
export class TextScheduler {
  /** Sequences at once; 1 for a model whose caches cannot be batched. */
  readonly maxBatchSize: number;
  readonly #text: TextModel;
  readonly #batch: AdapterBatches;
  readonly #constraints: ConstraintMaker;
  readonly #prefixes: PrefixCache | undefined;
  readonly #texts: TokenTexts;
  readonly #running = new Map<TokenSequence, Job>();
  #waiting: Job[] = [];
  #prefilling: Prefill[] = [];
  #isLooping = false;

  /**
   * @param maxBatchSize - default 8 on a CPU, 32 on a GPU
   * @param prefixes - what earlier requests left behind. Default: they leave nothing
   */
  constructor(text: TextModel, maxBatchSize: number = MAX_BATCH[text.device], prefixes?: PrefixCache) {
    this.#prefixes = prefixes;
    this.#text = text;
    this.#batch = new AdapterBatches(text.model, text.adapters);
    this.#constraints = new ConstraintMaker(text);
    this.#texts = new TokenTexts(text.tokenizer);
    const isAlike = text.kvQuantization === undefined || text.kvQuantization.start === 0;
    const isBatched = isAlike && text.model.makeBatchCache([0]) !== undefined;
    this.maxBatchSize = isBatched ? maxBatchSize : 1;
  }

  /**
   * Continues a prompt, in turn with other requests. When no other waits, what they left behind is on disk before it ends.
   *
   * @param prompt - the whole prompt, template applied; the caller disposes it afterwards
   * @throws {InvalidArgumentError} on bad options
   * @throws {MlxError} `unsupported-feature` for a constraint that this build or the grammar engine refuses, and for a
   *   budget of reasoning that the model has no marks for, and for log probabilities of a prompt that is not text alone
   * @throws {MlxError} `context-length` when the prompt leaves no room; `aborted` within a turn of the signal
   */
  async generate(prompt: Prompt, request: GenerateRequest, { emit, signal }: GenerateCall): Promise<void> {
    checkRequest(request, this.#text.vocabSize);
    const adapter = adapterName(request.adapter, this.#text.adapters);
    checkDrafts(request, this.#text);
    checkBudget(request, this.#text);
    checkPromptTokens(prompt.inputs, this.#text.vocabSize, (id) => prompt.standsForImage(id));
    checkPromptScores(request, prompt);
    const answer = new Answer(this.#text, prompt, request);
    const finish = await new Promise<Finish>((resolve, reject) => {
      const scores = scoresFor(request.logprobs);
      const promptScores = scoresFor(request.promptLogprobs);
      const settle = (ending: Ending): void => {
        scores?.clear();
        promptScores?.clear();
        if ("finish" in ending) resolve(ending.finish);
        else reject(ending.error);
      };
      const wanted = { prompt, request, adapter, answer, scores, promptScores };
      this.#waiting.push({ ...wanted, emit, ...(signal && { signal }), settle });
      void this.#loop();
    });
    const warnings = this.#isIdle ? this.#prefixes?.store() : [];
    emit({ ...finish, warnings: [...finish.warnings, ...(warnings ?? [])] });
  }

  /** Gives back what was kept for requests to come; there are none. */
  dispose(): void {
    this.#constraints.dispose();
  }

  get #isIdle(): boolean {
    return this.#waiting.length + this.#prefilling.length + this.#running.size === 0;
  }

  async #loop(): Promise<void> {
    if (this.#isLooping) return;
    this.#isLooping = true;
    while (!this.#isIdle) {
      this.#turn();
      await breathe();
    }
    this.#isLooping = false;
  }

  #turn(): void {
    this.#guarded(() => this.#dropAborted());
    this.#prefixes?.makeRoom();
    this.#admit();
    this.#prefillChunk();
    this.#decodeStep();
  }

  #dropAborted(): void {
    const isAborted = ({ signal }: Job): boolean => signal?.aborted === true;
    const aborted = (): MlxError => new MlxError("aborted", "The request was aborted");
    for (const job of this.#waiting.filter(isAborted)) job.settle({ error: aborted() });
    this.#waiting = this.#waiting.filter((job) => !isAborted(job));
    for (const { job, sequence } of this.#prefilling.filter((prefill) => isAborted(prefill.job))) {
      sequence.abandon();
      job.settle({ error: aborted() });
    }
    this.#prefilling = this.#prefilling.filter(({ job }) => !isAborted(job));
    this.#end(
      [...this.#running]
        .filter(([, job]) => isAborted(job))
        .map(([sequence]) => [sequence, { error: aborted() }]),
    );
  }

  /** Starts as many waiting requests as there is room for. */
  #admit(): void {
    while (this.#prefilling.length + this.#running.size < this.maxBatchSize) {
      const job = this.#waiting.shift();
      if (job === undefined) return;
      if (this.#prefilling.length + this.#running.size === 0) mx.resetPeakMemory();
      job.answer.start();
      for (const scores of [job.scores, job.promptScores]) scores?.clear(); // of a try that ran out of memory
      try {
        const stepSize = job.request.prefillStepSize ?? PREFILL_STEP[this.#text.device];
        const sequence = new TokenSequence(this.#text.model, job.prompt, {
          sampling: job.request,
          vocabSize: this.#text.vocabSize,
          prefillStepSize: stepSize,
          noRepeatedRuns: this.#text.noRepeatedRuns,
          constraint: this.#constraintOf(job),
          budget: openBudget(job.request, this.#text, job.prompt.tokens),
          kvQuantization: this.#text.kvQuantization,
          roundsPrompt: this.#text.roundsPrompts === true && hasCoarseActivations(),
          prefixes: this.#prefixes,
          adapter: job.adapter,
          speculation: this.#speculationOf(job, stepSize),
          scores: job.scores,
          promptScores: job.promptScores,
        });
        this.#prefilling.push({ job, sequence, chunks: sequence.prefill() });
      } catch (error) {
        job.settle({ error });
      }
    }
  }

  #constraintOf({ request: { constraint }, prompt }: Job): TokenConstraint | undefined {
    return constraint === undefined ? undefined : this.#constraints.make(constraint, prompt.tokens);
  }

  #speculationOf({ prompt, request, answer }: Job, stepSize: number): Speculation | undefined {
    const prefixes = this.#prefixes?.isOn === true ? this.#prefixes : undefined;
    const speculation = openSpeculation(this.#text, prompt, request, { stepSize, prefixes });
    if (speculation !== undefined) answer.speculate(speculation);
    return speculation;
  }

  /** One chunk of the prompt that waited longest for its turn. */
  #prefillChunk(): void {
    const prefill = this.#prefilling.shift();
    if (prefill === undefined) return;
    const { job, sequence, chunks } = prefill;
    try {
      this.#text.adapters?.use(sequence.adapter);
      if (chunks.next().done !== true) {
        this.#prefilling.push(prefill);
        return;
      }
    } catch (error) {
      sequence.dispose();
      if (this.#freesMemory(error)) this.#waiting.unshift(job);
      else job.settle({ error });
      return;
    }
    job.answer.reuse(sequence.reused);
    const ending = this.#endingAfterPrompt(job);
    if (ending !== undefined) {
      sequence.abandon();
      job.settle(ending);
      return;
    }
    this.#running.set(sequence, job);
    this.#guarded(() => this.#batch.join(sequence));
  }

  /** Undefined where the answer begins. */
  #endingAfterPrompt(job: Job): Ending | undefined {
    try {
      this.#emitPrompt(job);
      return job.answer.left === 0 ? { finish: job.answer.finishEmpty() } : undefined;
    } catch (error) {
      return { error };
    }
  }

  #emitPrompt({ answer, promptScores, prompt, emit }: Job): void {
    emit({ type: "prompt-usage", ...answer.promptUsage });
    if (promptScores === undefined) return;
    const rest = promptScores.takeAll().map((scored) => this.#texts.withText(scored));
    emit({ type: "prompt-logprobs", logprobs: [this.#texts.first(prompt.tokens[0] ?? 0), ...rest] });
  }

  /** Whether an error says that memory ran out and earlier requests had left some that is free now. */
  #freesMemory(error: unknown): boolean {
    if (!MlxError.isInstance(error) || error.code !== "out-of-memory") return false;
    const freed = this.#prefixes?.bytes ?? 0;
    this.#prefixes?.clear();
    return freed > 0;
  }

  /** A token of every answer, or more of one whose drafts come true. */
  #decodeStep(): void {
    this.#guarded(() => {
      const next = this.#batch.next((sequence) => this.#running.get(sequence)?.answer.left ?? 0);
      const ended: [TokenSequence, Ending][] = [];
      for (const [sequence, tokens] of next) {
        const job = this.#running.get(sequence);
        if (job === undefined) continue;
        try {
          if (sequence.failure !== undefined) throw sequence.failure;
          const finish = emitTokens(job, tokens, sequence.isComplete, this.#texts);
          if (finish !== undefined) ended.push([sequence, { finish }]);
        } catch (error) {
          ended.push([sequence, { error }]);
        }
      }
      this.#end(ended);
    });
  }

  /** Takes sequences out of the batch and settles their requests. */
  #end(ended: readonly (readonly [TokenSequence, Ending])[]): void {
    if (ended.length === 0) return;
    this.#batch.leave(new Set(ended.map(([sequence]) => sequence)));
    if (this.#batch.size === 0) mx.clearCache();
    for (const [sequence, ending] of ended) {
      this.#running.get(sequence)?.settle(ending);
      this.#running.delete(sequence);
    }
  }

  /** A step that fails fails for every sequence in it. */
  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#freesMemory(error);
      this.#batch.dispose();
      for (const [sequence, job] of this.#running) {
        sequence.dispose();
        job.settle({ error });
      }
      this.#running.clear();
    }
  }
}
