import { checkOwnOptions } from "../config/check-own-options.ts";
import * as check from "../config/checks.ts";
import type { AbstractLLM } from "../interface/abstract-llm.ts";
import { explainMissing } from "../registry/explain-missing.ts";
import { inputMessages, outputMessages } from "./message-attributes.ts";
import { errorType, requestAttributes, responseAttributes, spanName } from "./span-attributes.ts";
import { type StartCall, withHooks } from "./with-hooks.ts";

/** What the spans tell. */
export interface TelemetryOptions {
  /** Put the texts of prompts and answers into the spans, where whoever reads traces sees them. Default false. */
  captureContent?: boolean | undefined;
}

const OPTIONS: Readonly<Record<keyof TelemetryOptions, check.Check>> = { captureContent: check.boolean };

/**
 * The same LLM, with an OpenTelemetry span for each call, by the GenAI semantic conventions, for the tracer provider that
 * the application has registered.
 *
 * @throws {InvalidParameterError} for an option that is unknown or has a bad value
 * @throws {UnsupportedFeatureError} with the install command when `@opentelemetry/api` is missing
 * @example const traced = await withTelemetry(await createLLM("openai", { model: "gpt-4o" }));
 */
export async function withTelemetry(llm: AbstractLLM, options: TelemetryOptions = {}): Promise<AbstractLLM> {
  const { captureContent = false } = checkOwnOptions(options, OPTIONS);
  const { context, SpanKind, SpanStatusCode, trace } = await import("@opentelemetry/api").catch(
    explainMissing("telemetry"),
  );
  const start: StartCall = (call) => {
    const span = trace.getTracer("abstractllm").startSpan(spanName(call), {
      kind: SpanKind.CLIENT,
      attributes: requestAttributes(call),
    });
    if (captureContent && call.operation === "generate") {
      span.setAttributes(inputMessages(call.prompt, call.options.systemPrompt));
    }
    return {
      run: (work) => context.with(trace.setSpan(context.active(), span), work),
      onFinish(response) {
        span.setAttributes(responseAttributes(response));
        if (captureContent && "finishReason" in response) span.setAttributes(outputMessages(response));
        span.end();
      },
      onError(error) {
        const type = errorType(error);
        span.setAttribute("error.type", type);
        span.setStatus({ code: SpanStatusCode.ERROR, message: type }); // a service's message may quote the prompt
        span.end();
      },
    };
  };
  return withHooks(llm, start);
}
