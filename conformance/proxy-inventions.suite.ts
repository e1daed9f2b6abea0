import { deepEqual, equal, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import type { Header } from "./clients/client.ts";
import {
  call,
  firstClient,
  identityName,
  key,
  type ProxyStage,
  plainName,
  says,
  users,
  valuesOf,
} from "./proxy-stage.ts";

/** The defaults of `proxies.remove_headers`, as they are published. */
function removedNames(): readonly string[] {
  const text = readFileSync(new URL("../docs/configuration.md", import.meta.url), "utf8");
  const [, names = ""] = /^\| `proxies\.remove_headers` \| `\[([^\]]+)\]`/m.exec(text) ?? [];
  ok(names.split(",").length > 20);
  return names.split(",");
}

const forged = "eyJhbGciOiJub25lIn0.e30.";

/** What a caller makes up about itself, and about what it asks for, gets past no proxy. */
export function describeInventions(stage: () => ProxyStage): void {
  const removed = removedNames();
  /** All that is not to arrive, in the spellings that services take for one. */
  const spoofed: readonly Header[] = [identityName, ...removed].flatMap((name): readonly Header[] => [
    [name, forged],
    [name.replaceAll("-", "_"), forged],
  ]);
  /** Of the proxy's question: a caller's own are not looked at. */
  const asked: readonly Header[] = [
    ["x-countersign-proxy-key", "nonsense"],
    ["x-forwarded-method", "GET"],
    ["x-forwarded-uri", `${users}/GetUser`],
    ["x-forwarded-for", "203.0.113.9"],
  ];

  it("reaches no gRPC service: no identity, no name that services believe, no credential", async () => {
    const { server } = stage();
    for (const [credential, caller] of [
      [[], ""],
      [key(server.apiKey), "alice"],
    ] as const) {
      const headers = [...credential, ...spoofed, ...asked];
      const { answers, code, message } = await call(firstClient(stage()), "GetUser", headers, { user_id: 1 });
      deepEqual([code, message, answers[0]?.["requested_by"]], [0, "", caller]);
      const received = (JSON.parse(String(answers[0]?.["bio"])) as readonly Header[]).flat();
      for (const name of [...removed, "authorization", "x-api-key"])
        deepEqual(valuesOf(received, plainName(name)), [], name);
      equal(valuesOf(received, identityName).length, caller === "" ? 0 : 1);
      ok(!received.includes(forged));
    }
    // What is asked for is what the proxy was asked for.
    deepEqual((await says(call(firstClient(stage()), "DeleteUser", [...spoofed, ...asked])))[0], 16);
  });

  it("reaches no HTTP service, also where a header comes twice or in other letters", async () => {
    const { ask, server, received } = stage();
    const shouted = spoofed.map(([name, value]): Header => [name.toUpperCase(), value]);
    for (const [credential, count] of [
      [[], 0],
      [["X-API-Key", server.apiKey], 1],
    ] as const) {
      const headers = [...credential, ...[...spoofed, ...shouted, ...asked].flat()];
      equal((await ask("/notes", { method: "POST", headers })).status, 200);
      const list = received.at(-1)?.headers;
      for (const name of [...removed, "authorization", "x-api-key"])
        deepEqual(valuesOf(list, plainName(name)), [], name);
      equal(valuesOf(list, identityName).length, count);
      ok(!list?.includes(forged));
    }
    // Another rule's path, method and address are believed no more than an identity.
    const mine = ["x-api-key", server.apiKey, ...asked.flat(), "x-forwarded-uri", "/reports/7"];
    equal((await ask("/reports", { headers: mine })).status, 403);
    const twice = ["x-api-key", server.apiKey, "x-api-key", "nonsense"];
    equal((await ask("/reports/7", { headers: twice })).status, 401);
  });

  // What `connection` names goes no further than one hop (RFC 9110 section 7.6.1).
  it("takes no identity away, by naming it in `connection`", async () => {
    const { ask, server, received } = stage();
    for (const listed of [
      ["connection", "close, x-countersign-identity"],
      ["connection", "close", "Connection", "X-Countersign-Identity"],
      ["connection", "X-COUNTERSIGN-IDENTITY,x-forwarded-uri,x-forwarded-method,x-countersign-proxy-key"],
      ["connection", "close", "proxy-connection", "x-countersign-identity", "te", "x-countersign-identity"],
    ]) {
      const before = received.length;
      const headers = ["x-api-key", server.apiKey, identityName, forged, ...listed];
      const { status } = await ask("/reports/7", { headers });
      ok(status === 400 || status === 200, String(status));
      equal(received.length - before, status === 200 ? 1 : 0);
      if (status === 200) equal(valuesOf(received.at(-1)?.headers, identityName).length, 1);
      ok(!received.at(-1)?.headers.includes(forged));
      // Nor is another question asked.
      const other = ["x-api-key", server.apiKey, "x-forwarded-uri", "/reports/7", ...listed];
      ok([400, 403].includes((await ask("/reports", { headers: other })).status ?? 0));
    }
  });

  it("reaches no service behind the body either", async () => {
    const { ask, received } = stage();
    const headers = ["trailer", `${identityName}, x-user-id`];
    const trailers: readonly [string, string][] = [
      [identityName, forged],
      ["x-user-id", "1"],
    ];
    const { status } = await ask("/notes", { method: "POST", body: "x", headers, trailers });
    const { headers: list, trailers: rest } = received.at(-1) ?? {};
    deepEqual([status, valuesOf(list, identityName), rest], [200, [], []]);
  });
}
