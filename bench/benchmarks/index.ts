import type { Benchmark } from "../support/context.ts";
import { adapters } from "./adapters.ts";
import { bandwidth } from "./bandwidth.ts";
import { constraint } from "./constraint.ts";
import { decode } from "./decode.ts";
import { families } from "./families.ts";
import { gguf } from "./gguf.ts";
import { gpu } from "./gpu.ts";
import { kl } from "./kl.ts";
import { memory } from "./memory.ts";
import { overhead } from "./overhead.ts";
import { smollm2 } from "./smollm2.ts";
import { speculative } from "./speculative.ts";
import { tools } from "./tools.ts";
import { vision } from "./vision.ts";

/** Every benchmark, in the order they run. */
export const benchmarks: readonly Benchmark[] = [
  smollm2,
  overhead,
  bandwidth,
  decode,
  families,
  memory,
  kl,
  gguf,
  vision,
  gpu,
  constraint,
  tools,
  speculative,
  adapters,
];
