/** Parts of names that models with image input have. */
const VISION_NAMES = [
  "llava",
  "vision",
  "clip",
  "blip",
  "vlm",
  "-vl-",
  "multimodal",
  "idefics",
  "fuyu",
  "florence",
  "paligemma",
  "pixtral",
  "molmo",
];

/** Whether a model's name says that it takes images. */
export function looksLikeVisionModel(model: string): boolean {
  const name = `${model.toLowerCase()}-`;
  return VISION_NAMES.some((part) => name.includes(part));
}
