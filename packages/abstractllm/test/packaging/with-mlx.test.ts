import { afterAll, beforeAll, expect, test } from "vitest";
import { FreshProject } from "./fresh-project.ts";

let project: FreshProject;
beforeAll(async () => {
  project = await FreshProject.create(
    ["abstractllm", "@abstractllm/mlx", "@abstractllm/mlx-linux-x64"],
    ["@types/node", "zod"],
  );
});
test("x", () => {
  console.log(
    project.folder,
    project.run(
      `import {createLLM} from "abstractllm"; const llm = await createLLM("mlx", {model: "/work/wt/package/.setup/models/SmolLM2-135M-Instruct.Q4_1.gguf"}); console.log((await llm.generate("hi", {maxTokens: 5})).text); await llm.unload();`,
    ),
  );
});
