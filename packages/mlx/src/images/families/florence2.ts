/** Florence-2: one square before a question. @see transformers 5.23 florence2/processing_florence2.py */
import { InvalidArgumentError } from "../../errors.ts";
import * as field from "../../models/config.ts";
import { CLIP_STEPS, fixedSizeSteps } from "../fixed-size.ts";
import type { ImageProcessor } from "../image-processor.ts";
import { defineProcessor, imagesFirst, joinTexts, textContent } from "../prompt-format.ts";
import { count, type ProcessorFiles, readImageSettings, readModelSettings } from "../settings.ts";

/** The questions behind the tasks that a prompt may name. */
const QUESTIONS: Readonly<Record<string, string>> = {
  "<OCR>": "What is the text in the image?",
  "<OCR_WITH_REGION>": "What is the text in the image, with regions?",
  "<CAPTION>": "What does the image describe?",
  "<DETAILED_CAPTION>": "Describe in detail what is shown in the image.",
  "<MORE_DETAILED_CAPTION>": "Describe with a paragraph what is shown in the image.",
  "<OD>": "Locate the objects with category name in the image.",
  "<DENSE_REGION_CAPTION>": "Locate the objects in the image, with their descriptions.",
  "<REGION_PROPOSAL>": "Locate the region proposals in the image.",
};

/** Those that need more words, which stand for `*`. */
const QUESTIONS_ABOUT: Readonly<Record<string, string>> = {
  "<CAPTION_TO_PHRASE_GROUNDING>": "Locate the phrases in the caption: *",
  "<REFERRING_EXPRESSION_SEGMENTATION>": "Locate * in the image with mask",
  "<REGION_TO_SEGMENTATION>": "What is the polygon mask of region *",
  "<OPEN_VOCABULARY_DETECTION>": "Locate * in the image.",
  "<REGION_TO_CATEGORY>": "What is the region *?",
  "<REGION_TO_DESCRIPTION>": "What does the region * describe?",
  "<REGION_TO_OCR>": "What text is in the region *?",
};

/** @throws {InvalidArgumentError} when a task that says all has words beside it */
function questionOf(prompt: string): string {
  for (const [task, question] of Object.entries(QUESTIONS)) {
    if (prompt === task) return question;
    if (prompt.includes(task)) {
      throw new InvalidArgumentError(`Expected nothing but ${task} in the prompt`);
    }
  }
  for (const [task, question] of Object.entries(QUESTIONS_ABOUT)) {
    if (!prompt.includes(task)) continue;
    const words = prompt.replaceAll(task, "").trim();
    return question.replace("*", () => words);
  }
  return prompt;
}

export function florence2(files: ProcessorFiles): ImageProcessor {
  const steps = fixedSizeSteps(files, CLIP_STEPS);
  const { image_seq_length: featureTokens } = readImageSettings(
    { image_seq_length: count.default(577) },
    files,
  );
  const { image_token_id: id } = readModelSettings({ image_token_id: field.int.default(51289) }, files);
  return defineProcessor({
    placeholder: "<image>",
    formatContent: textContent(""),
    process: (image) => ({
      arrays: { pixel_values: steps(image) },
      prompt: Array<number>(featureTokens).fill(id),
      featureTokens,
    }),
    // the encoder reads the image, then the question as a sentence of its own
    expandPrompt: (prompt, images) => {
      const { features, text } = imagesFirst(prompt, "<image>", images);
      return joinTexts([...features, "<s>", questionOf(text), "</s>"]);
    },
  });
}
