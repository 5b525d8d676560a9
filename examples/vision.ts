/** What a model can do is known before it is loaded. */
import { createLLM, ModelCapability, UnsupportedFeatureError } from "abstractllm";
import { model } from "./model.ts";

await using llm = await createLLM("mlx", { model });
console.log("takes images:", llm.getCapabilities()[ModelCapability.VISION]);

try {
  await llm.generate("What is in this image?", { files: ["image.jpg"] });
} catch (error) {
  if (!UnsupportedFeatureError.isInstance(error)) throw error;
  console.log(`${error.feature}: ${error.message}`);
}
