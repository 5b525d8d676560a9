/** What the code in the guides takes for granted. `npm run lint` compiles that code, with these names. */

declare const llm: import("abstractllm").AbstractLLM;
declare const localLLM: import("abstractllm").AbstractLLM;
declare const weather: import("abstractllm").Tool;
declare const preprocessorConfig: Readonly<Record<string, unknown>>;
declare const rendered: string;
declare const signal: AbortSignal;
declare const log: Record<"info" | "error", (entry: unknown) => void>;

declare function fetchWeather(city: string, unit: "C" | "F"): Promise<string>;
declare function askUserAndDelete(input: unknown): Promise<string>;
declare function render(object: unknown): void;
