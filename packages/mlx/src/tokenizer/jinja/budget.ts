import { limitError } from "./template-failure.ts";

/** Bounds around one rendering. */
export interface TemplateLimits {
  /** Longest template, in UTF-16 units. Default 1 MiB. */
  maxTemplateLength: number;
  /** Longest output, and longest string on the way there, in UTF-16 units. Default 8 MiB. */
  maxOutputLength: number;
  /** Evaluated nodes, loop rounds and built-in work together. Default 2,000,000. */
  maxSteps: number;
  /** Macro calls inside each other, and nesting of data. Default 64. */
  maxDepth: number;
  /** Wall-clock time in milliseconds, looked at after the first 100,000 steps. Default 250. */
  maxTimeMs: number;
}

/** Limits that hold unless others are given. */
export const DEFAULT_TEMPLATE_LIMITS: TemplateLimits = {
  maxTemplateLength: 2 ** 20,
  maxOutputLength: 8 * 2 ** 20,
  maxSteps: 2_000_000,
  maxDepth: 64,
  maxTimeMs: 250,
};

/** Steps between two looks at the clock. */
const CLOCK_INTERVAL = 512;
/** A template that did less than this was stopped by a busy machine, not by its own work. */
const MIN_STEPS_FOR_TIME = 100_000;
/** Characters that a built-in goes through in the time of one step. */
const CHARACTERS_PER_STEP = 64;
const CHARACTERS_PER_ROPE_STEP = 4096;
/** Items that a built-in goes through in the time of one step. */
const ITEMS_PER_STEP = 4;

/** Counts what a rendering spends. Work is paid for before it is done. */
export class Budget {
  private steps = 0;
  private nextLook = CLOCK_INTERVAL;
  private depth = 0;
  private readonly deadline: number;

  constructor(private readonly limits: TemplateLimits) {
    this.deadline = performance.now() + limits.maxTimeMs;
  }

  /** @throws {TemplateError} when steps or time run out */
  step(count = 1): void {
    this.steps += count;
    if (this.steps < this.nextLook) return;
    this.nextLook = this.steps + CLOCK_INTERVAL;
    if (this.steps > this.limits.maxSteps) {
      throw limitError("steps", `The chat template took more than ${this.limits.maxSteps} steps.`);
    }
    if (this.steps > MIN_STEPS_FOR_TIME && performance.now() > this.deadline) {
      throw limitError("time", `The chat template took more than ${this.limits.maxTimeMs} ms.`);
    }
  }

  /** Pays for going through `count` items. */
  items(count: number): void {
    this.step(Math.ceil(count / ITEMS_PER_STEP));
  }

  /** Pays for going through a text. */
  text(length: number): void {
    this.step(Math.ceil(length / CHARACTERS_PER_STEP));
  }

  /** Pays for adding to a text, which copies only what is added. @throws {TemplateError} when it would be too long */
  addText(length: number, added: number): void {
    this.checkLength(length + added);
    this.step(1 + Math.ceil(added / CHARACTERS_PER_ROPE_STEP));
  }

  /** Pays for making a text. @throws {TemplateError} when it would be too long */
  newText(length: number): void {
    this.checkLength(length);
    this.text(length);
  }

  private checkLength(length: number): void {
    if (length <= this.limits.maxOutputLength) return;
    throw limitError(
      "output",
      `The chat template made a text of more than ${this.limits.maxOutputLength} characters.`,
    );
  }

  /** Runs `body` one level deeper. @throws {TemplateError} when that is too deep */
  deeper<T>(body: () => T): T {
    if (this.depth >= this.limits.maxDepth) {
      throw limitError("depth", `The chat template went more than ${this.limits.maxDepth} levels deep.`);
    }
    this.depth++;
    try {
      return body();
    } finally {
      this.depth--;
    }
  }
}
