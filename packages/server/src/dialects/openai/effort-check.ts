import { oneOf } from "../../fields/index.ts";

/** How much the model is to think. */
export const effortCheck = oneOf("none", "minimal", "low", "medium", "high", "xhigh", "max");
