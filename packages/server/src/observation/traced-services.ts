import type { ServedService } from "../served-service.ts";

/** The same services, each call with a span where an SDK for OpenTelemetry has been installed. */
export async function tracedServices(services: readonly ServedService[]): Promise<readonly ServedService[]> {
  const { tracesAreTaken, traceHandlers } = await import("countersign/otel");
  if (!tracesAreTaken()) return services;
  return services.map((service) => ({
    ...service,
    handlers: traceHandlers(service.descriptor, service.handlers),
  }));
}
