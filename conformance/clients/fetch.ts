import type { ClientCall, ClientKind, Outcome } from "./client.ts";
import { outcomeOf } from "./json-answer.ts";

/** The `fetch` that every platform has, with JSON. */
export const fetchJson: ClientKind = {
  name: "fetch",
  listener: "http",
  abilities: ["any-name"],
  carries: ({ requestStream, responseStream }) => !requestStream && !responseStream,
  async connect(address) {
    const call = async ({
      procedure,
      requests,
      headers = [],
      timeoutMs = 5000,
    }: ClientCall): Promise<Outcome> => {
      const [request = {}] = requests;
      const response = await fetch(`http://${address}${procedure}`, {
        method: "POST",
        headers: [
          ["content-type", "application/json"],
          ...headers.map(([name, value]): [string, string] => [name, value]),
        ],
        body: JSON.stringify(request),
        signal: AbortSignal.timeout(timeoutMs),
      });
      return outcomeOf(response.status, await response.text());
    };
    return { call, close: async () => {} };
  },
};
