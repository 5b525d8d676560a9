export { DEFAULT_TEMPLATE_LIMITS, type TemplateLimits } from "./budget.ts";
export { renderTemplate } from "./render-template.ts";
