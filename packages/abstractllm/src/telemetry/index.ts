export { type CallHooks, type CallStart, type StartCall, withHooks } from "./with-hooks.ts";
export { type TelemetryOptions, withTelemetry } from "./with-telemetry.ts";
