import { startEngine } from "@abstractllm/mlx";
import { expect, it } from "vitest";
import { type Outcome, outcomeOf, outcomeOrAborted, requests } from "../engine/mixed-requests.ts";
import { smolLM2 } from "../engine/smollm2.ts";

const REQUESTS = 1000;
const AT_ONCE = 16;

it("answers 1,000 requests, 16 at once and a tenth of them aborted, as it answers each alone", async () => {
  const engine = await startEngine({ device: "cpu" });
  const model = await engine.load({ path: smolLM2, promptCacheBytes: 0 });
  const alone: Outcome[] = [];
  for (const request of requests) alone.push(await outcomeOf(model, request));
  const { activeBytes } = await engine.memory();
  let next = 0;
  const work = async (): Promise<void> => {
    for (let i = next++; i < REQUESTS; i = next++) {
      const kind = (i * 7) % requests.length;
      const isAborted = i % 10 === 0;
      const outcome = await outcomeOrAborted(model, requests[kind], isAborted ? (i / 10) % 4 : undefined);
      if (!isAborted || outcome !== "aborted") expect(outcome, `request ${i}`).toEqual(alone[kind]);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  expect(await engine.memory()).toMatchObject({ activeBytes, cacheBytes: 0 });
  await engine.dispose();
});
