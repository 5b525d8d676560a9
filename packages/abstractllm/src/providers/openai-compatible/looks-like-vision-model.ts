/** Parts of names of models that see; as whole words where they are short. */
const VISION_NAMES =
  /llava|vision|pixtral|moondream|minicpm-v|internvl|paligemma|idefics|smolvlm|qvq|molmo|gemma-?3(?!n?[:-]?(270m|1b))|gemma-?4|llama-?4|mistral-small-?3\.[12]|gpt-4o|gpt-4\.1|gpt-5|(^|[-_./:\d])(vl|vlm|omni)([-_./:]|$)/i;

/** Whether a model takes images, as its name tells; the option `vision` knows better. */
export function looksLikeVisionModel(model: string): boolean {
  return VISION_NAMES.test(model);
}
