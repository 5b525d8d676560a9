/** LFM2 with vision, of which this is the language model: text alone. @see mlx-lm 0.32.2 models/lfm2-vl.py */
import { architecture as text } from "./lfm2.ts";
import { rename } from "./sanitize-rules.ts";
import { wrapText } from "./wrap-text.ts";

export const architecture = wrapText(text, /^(model\.)?(vision_tower|multi_modal_projector)\./, undefined, [
  rename(/^model\.language_model\./, "language_model.model."), // as transformers has it
]);
