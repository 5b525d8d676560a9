/** Where tests of models compute: `npm run test:gpu` says the GPU. */
import type { Device } from "../src/core/index.ts";

export const device: Device = process.env.TEST_DEVICE === "gpu" ? "gpu" : "cpu";
