import { createClient } from "@connectrpc/connect";
import { useTransport } from "@connectrpc/connect-query";
import { useEffect, useState } from "react";
import { type LoggedRequest, LogService } from "../api/protos.ts";
import { tellError } from "../ui/toasts.tsx";
import type { Filter } from "./request-table.tsx";

const kept = 200;

/** Calls as they end, newest first, while somebody looks. */
export function useTail(filter: Filter, live: boolean): readonly LoggedRequest[] {
  const transport = useTransport();
  const [fresh, setFresh] = useState<readonly LoggedRequest[]>([]);
  useEffect(() => {
    setFresh([]);
    if (!live) return undefined;
    const abort = new AbortController();
    void (async () => {
      try {
        const calls = createClient(LogService, transport).watchRequests({ filter }, { signal: abort.signal });
        for await (const { requests } of calls)
          setFresh((before) => [...requests.toReversed(), ...before].slice(0, kept));
      } catch (error) {
        if (!abort.signal.aborted) tellError(error);
      }
    })();
    return () => abort.abort();
  }, [filter, live, transport]);
  return fresh;
}
