/** PaliGemma: one square of SigLIP's before the text. @see mlx-vlm 0.7.10 paligemma/processing_paligemma.py */
import { fixedSizeSteps, SIGLIP_STEPS } from "../fixed-size.ts";
import type { ImageProcessor } from "../image-processor.ts";
import { defineProcessor, imagesFirst, joinTexts, textContent } from "../prompt-format.ts";
import { count, type ProcessorFiles, readImageSettings } from "../settings.ts";

export function paligemma(files: ProcessorFiles): ImageProcessor {
  const steps = fixedSizeSteps(files, SIGLIP_STEPS);
  const { image_seq_length: featureTokens } = readImageSettings(
    { image_seq_length: count.default(256) },
    files,
  );
  return defineProcessor({
    placeholder: "<image>",
    formatContent: textContent(""),
    process: (image) => ({
      arrays: { pixel_values: steps(image) },
      prompt: "<image>".repeat(featureTokens),
      featureTokens,
    }),
    // begin-of-sequence stands between images and text, and a line break ends the prompt
    expandPrompt: (prompt, images) => {
      const { features, text } = imagesFirst(prompt, "<image>", images);
      return joinTexts([...features, "<bos>", text, "\n"]);
    },
  });
}
