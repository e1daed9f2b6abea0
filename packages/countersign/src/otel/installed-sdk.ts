import { ProxyTracerProvider, trace } from "@opentelemetry/api";

const nobody = new ProxyTracerProvider().getDelegate();

/** Is there an SDK that takes spans? It is to be installed before the application is loaded (`node --import`). */
export function tracesAreTaken(): boolean {
  const provider = trace.getTracerProvider();
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegate() !== nobody;
}
