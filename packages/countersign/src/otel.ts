export { tracesAreTaken } from "./otel/installed-sdk.ts";
export { observeDecisions } from "./otel/observe-decisions.ts";
export { traceHandlers } from "./otel/trace-handlers.ts";
