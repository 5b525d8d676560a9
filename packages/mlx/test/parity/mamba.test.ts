import { afterAll, it } from "vitest";
import { array, float32 } from "../../src/core/index.ts";
import { createModel } from "../../src/models/index.ts";
import { expectSameLogits } from "./compare-logits.ts";
import { randomTensor } from "./random-weights.ts";
import { runModel } from "./run-model.ts";

it("carries states over the stretches that it holds at once", async () => {
  const model = await createModel({
    model_type: "mamba",
    vocab_size: 16,
    hidden_size: 16,
    intermediate_size: 32,
    state_size: 4,
    num_hidden_layers: 1,
    conv_kernel: 4,
    use_bias: false,
    use_conv_bias: true,
    time_step_rank: "auto",
  });
  afterAll(() => model.dispose());
  model.mapParameters((p, key) => array(randomTensor(5, key, p.shape), float32, p.shape));
  const tokens = [Array.from({ length: 150 }, (_, i) => (i * 7 + 3) % 16)];
  const whole = runModel(model, { tokens, chunks: [150], cached: false }).values;
  const uneven = runModel(model, { tokens, chunks: [50, 1, 99], cached: true }).values;
  expectSameLogits(uneven, whole, 16);
});
