import { createClient } from "@connectrpc/connect";
import { createConnectQueryKey, useTransport } from "@connectrpc/connect-query";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { type LoggedRequest, LogService } from "../api/protos.ts";
import { tellError } from "../ui/toasts.tsx";
import type { Filter } from "./request-table.tsx";

const kept = 200;
const lists = createConnectQueryKey({ schema: LogService.method.listRequests, cardinality: "infinite" });

/** Calls as they end, newest first, while somebody looks; those that came stay. `onEnd`: no more will come by themselves. */
export function useTail(filter: Filter, live: boolean, onEnd: () => void): readonly LoggedRequest[] {
  const transport = useTransport();
  const queries = useQueryClient();
  const [fresh, setFresh] = useState<readonly LoggedRequest[]>([]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: calls of another filter are other calls
  useEffect(() => setFresh([]), [filter]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new function is no reason to begin again
  useEffect(() => {
    if (!live) return undefined;
    const abort = new AbortController();
    // What ended between the list and the first that comes by itself stands in the list, read once more.
    const readAnew = (): void => void queries.invalidateQueries({ queryKey: lists });
    void (async () => {
      let isFirst = true;
      try {
        const calls = createClient(LogService, transport).watchRequests({ filter }, { signal: abort.signal });
        for await (const { requests } of calls) {
          setFresh((before) => [...requests.toReversed(), ...before].slice(0, kept));
          if (isFirst) readAnew();
          isFirst = false;
        }
      } catch (error) {
        if (!abort.signal.aborted) tellError(error);
      }
      if (!abort.signal.aborted) onEnd();
    })();
    readAnew();
    return () => abort.abort();
  }, [filter, live, transport]);
  return fresh;
}
