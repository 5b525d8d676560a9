/** Gemma 3n: one square of SigLIP's kind. @see mlx-vlm 0.7.10 gemma3n/processing_gemma3n.py */
import { fixedSizeSteps, SIGLIP_STEPS } from "../fixed-size.ts";
import type { ImageProcessor } from "../image-processor.ts";
import { defineProcessor } from "../prompt-format.ts";
import { count, type ProcessorFiles, readPromptSettings } from "../settings.ts";

export function gemma3n(files: ProcessorFiles): ImageProcessor {
  const steps = fixedSizeSteps(files, SIGLIP_STEPS);
  const { image_seq_length: featureTokens } = readPromptSettings(
    { image_seq_length: count.default(256) },
    files,
  );
  const prompt = `\n\n<start_of_image>${"<image_soft_token>".repeat(featureTokens)}<end_of_image>\n\n`;
  return defineProcessor({
    placeholder: "<image_soft_token>",
    process: (image) => ({ arrays: { pixel_values: steps(image) }, prompt, featureTokens }),
  });
}
