import type { Usage } from "abstractllm";
import { Histogram } from "./histogram.ts";

/** From a small model's first token to a long answer of a large one on a CPU. */
const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** What a server did, for Prometheus. */
export class Metrics {
  readonly #requests = new Map<string, number>();
  readonly #tokens = { input: 0, cached_input: 0, output: 0 };
  readonly #firstToken = new Histogram(SECONDS);
  readonly #answers = new Histogram(SECONDS);
  /** Calls of models that have not ended. */
  running = 0;
  /** Those of them that no part of an answer has come of. */
  waiting = 0;

  /** A request has its answer. */
  request(route: string, status: number): void {
    const labels = `{route="${route}",status="${status}"}`;
    this.#requests.set(labels, (this.#requests.get(labels) ?? 0) + 1);
  }

  firstToken(seconds: number): void {
    this.#firstToken.observe(seconds);
  }

  answer({ inputTokens, cachedInputTokens, outputTokens }: Usage, seconds: number): void {
    this.#tokens.input += inputTokens;
    this.#tokens.cached_input += cachedInputTokens;
    this.#tokens.output += outputTokens;
    this.#answers.observe(seconds);
  }

  /** In Prometheus' text format 0.0.4. */
  text(): string {
    const name = (rest: string) => `abstractllm_${rest}`;
    const families: [string, string, string, string[]][] = [
      [
        "requests_total",
        "counter",
        "Requests by route and status.",
        [...this.#requests].map(([labels, count]) => `${name("requests_total")}${labels} ${count}`),
      ],
      [
        "tokens_total",
        "counter",
        "Tokens that models read and wrote.",
        Object.entries(this.#tokens).map(
          ([kind, count]) => `${name("tokens_total")}{kind="${kind}"} ${count}`,
        ),
      ],
      [
        "calls_running",
        "gauge",
        "Calls of models that have not ended.",
        [`${name("calls_running")} ${this.running}`],
      ],
      [
        "calls_waiting",
        "gauge",
        "Calls that nothing has come of yet.",
        [`${name("calls_waiting")} ${this.waiting}`],
      ],
      [
        "time_to_first_token_seconds",
        "histogram",
        "From the request to the first part of its answer.",
        this.#firstToken.lines(name("time_to_first_token_seconds")),
      ],
      [
        "answer_seconds",
        "histogram",
        "From the request to the end of its answer.",
        this.#answers.lines(name("answer_seconds")),
      ],
    ];
    const lines = families.flatMap(([family, type, help, values]) => [
      `# HELP ${name(family)} ${help}`,
      `# TYPE ${name(family)} ${type}`,
      ...values,
    ]);
    return `${lines.join("\n")}\n`;
  }
}
