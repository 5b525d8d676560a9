/** The CPU kernels of this package: their threads and instruction set. */
import { InvalidArgumentError } from "../errors.ts";
import { defaultDevice } from "./device.ts";
import { native } from "./native.ts";

/**
 * The best instruction set that the CPU kernels have here: `scalar`, on x86-64 also `avx2`, `avx512`, `avxvnni`,
 * `avx512vnni` or `amx`, on arm64 `neon`, `dotprod` or `i8mm`. The environment variable `ABSTRACTLLM_CPU` asks for another
 * one that the processor has.
 */
export const cpuInstructionSet = (): string => native.cpuFeatures();

/** Threads that the CPU kernels of this process use. Default: the cores this process may use. */
export const getThreads = (): number => native.getThreads();

/**
 * Sets how many threads the CPU kernels of this process use.
 *
 * @throws {InvalidArgumentError} when it is not a whole number from 1 to 1024
 */
export const setThreads = (count: number): void => {
  if (!Number.isInteger(count) || count < 1 || count > 1024) {
    throw new InvalidArgumentError(
      `Expected a whole number of threads from 1 to 1024 but received ${String(count)}`,
    );
  }
  native.setThreads(count);
};

let isRounding = false;
let isCoarse = false;

/** Whether the graph built now is one of {@link withRoundedActivations}, on the CPU. */
export const roundsActivations = (): boolean => isRounding && defaultDevice() === "cpu";

/**
 * Builds a graph whose quantized products round activations to 16 bits per group where the CPU is faster with them;
 * otherwise products on the CPU keep all bits of float32. New caches then hold keys and values of 16 bits.
 */
export const withRoundedActivations = <T>(build: () => T): T => {
  native.setRounding(isCoarse ? 8 : 16);
  isRounding = true;
  try {
    return build();
  } finally {
    native.setRounding(0);
    isRounding = false;
  }
};

/** Whether {@link withCoarseActivations} changes anything. */
export const hasCoarseActivations = (): boolean => defaultDevice() === "cpu" && native.hasCoarseProducts();

/**
 * Builds a graph of whose results only what caches hold is wanted: where products of many rows may round activations at
 * all, they round to 8 bits.
 */
export const withCoarseActivations = <T>(build: () => T): T => {
  isCoarse = true;
  try {
    return build();
  } finally {
    isCoarse = false;
  }
};
