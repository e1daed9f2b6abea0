import { aroundHandlers } from "countersign";
import type { ServedService } from "../services.ts";
import type { CallCounts } from "./call-counts.ts";

/** The full names of all procedures of these services. */
export function servedProcedures(services: readonly ServedService[]): readonly string[] {
  return services.flatMap(({ descriptor }) =>
    descriptor.methods.map(({ name }) => `/${descriptor.typeName}/${name}`),
  );
}

/** The same services, each call with a span where an SDK for OpenTelemetry has been installed, and counted at its end. */
export async function observedServices(
  services: readonly ServedService[],
  counts: CallCounts | undefined,
): Promise<readonly ServedService[]> {
  const traced = await tracedServices(services);
  if (counts === undefined) return traced;
  counts.serve(servedProcedures(services));
  return traced.map(({ descriptor, handlers }) => ({
    descriptor,
    handlers: aroundHandlers(descriptor, handlers, (procedure) => {
      const began = performance.now();
      return { end: ({ code }) => counts.ended(procedure, code, performance.now() - began) };
    }),
  }));
}

async function tracedServices(services: readonly ServedService[]): Promise<readonly ServedService[]> {
  const { tracesAreTaken, traceHandlers } = await import("countersign/otel");
  if (!tracesAreTaken()) return services;
  return services.map(({ descriptor, handlers }) => ({
    descriptor,
    handlers: traceHandlers(descriptor, handlers),
  }));
}
