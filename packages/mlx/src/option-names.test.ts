import { expect, it } from "vitest";
import { InvalidArgumentError, loadModel } from "./index.ts";

it("refuses misspelt options of loadModel before anything is looked for", async () => {
  const misspelt = { exect: true } as object;
  await expect(loadModel("/none", misspelt)).rejects.toThrow(InvalidArgumentError);
  await expect(loadModel("/none", misspelt)).rejects.toThrow(
    "There is no option exect; the options are device,",
  );
});
