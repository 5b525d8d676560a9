/**
 * LLaVA 1.6: LLaVA 1.5 over tiles as well. Features are put together as transformers does; mlx-vlm lets every tile stand
 * for one token of the prompt.
 *
 * @see mlx-vlm 0.7.10 models/llava_next
 */
import { VICUNA } from "./llava.ts";
import { drop } from "./sanitize-rules.ts";
import { LLAVA_NEXT, llavaNextConfig, seeAsLlavaNext } from "./see-as-llava-next.ts";
import { wrapByType } from "./wrap-by-type.ts";

const text = wrapByType(VICUNA, [drop(LLAVA_NEXT)]);

export const architecture = seeAsLlavaNext(text, llavaNextConfig, () => (covered) => covered);
