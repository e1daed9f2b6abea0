import { CSPProvider } from "@base-ui/react/csp-provider";
import { TransportProvider } from "@connectrpc/connect-query";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Router } from "wouter";
import { shouldRetry } from "./api/errors.ts";
import { transport } from "./api/transport.ts";
import { App } from "./app.tsx";
import "./styles.css";
import { applyTheme } from "./ui/theme.ts";
import { Toasts } from "./ui/toasts.tsx";

applyTheme();

const queries = new QueryClient({
  defaultOptions: { queries: { retry: shouldRetry, staleTime: 5_000 }, mutations: { retry: false } },
});

const root = document.getElementById("root");
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <CSPProvider disableStyleElements>
        <TransportProvider transport={transport}>
          <QueryClientProvider client={queries}>
            <Router base="/admin">
              <Toasts>
                <App />
              </Toasts>
            </Router>
          </QueryClientProvider>
        </TransportProvider>
      </CSPProvider>
    </StrictMode>,
  );
}
