import { createServer } from "node:http";
import { type Call, createAuth, type Principal, policyFor } from "countersign";
import { createKeyRing, hmacKey, jwt } from "countersign/jwt";
import { memoryRevocations } from "countersign/revocation";

export const signingKey = hmacKey({ secret: process.env["JWT_SECRET"] ?? "", algorithm: "HS256" });

// For several processes: await sqlRevocations({ log: store.revocations })
export const revocations = memoryRevocations();

const auth = createAuth<Principal>({
  authenticators: [jwt({ keys: createKeyRing([signingKey]), requiredClaims: ["exp", "jti"] })],
  policy: [policyFor<Principal>().routes({ "POST /logout": "authenticated", "GET /me": "authenticated" })],
  revocations,
});

export const server = createServer(async (request, response) => {
  const call: Call = {
    protocol: "http",
    procedure: `${request.method} ${request.url}`,
    header: (name) => request.headersDistinct[name] ?? [],
    peer: { address: request.socket.remoteAddress },
    signal: AbortSignal.timeout(30_000),
  };
  const decision = await auth.decide(call);
  if (!decision.ok) return response.writeHead(401).end(decision.denial.reason);
  const { userId = "", claims = {} } = decision.principal ?? {};
  if (request.url === "/logout") {
    // Refused from now on, until it would have expired by itself.
    await revocations.revokeToken(claims);
    return response.end('{"status":"logged out"}');
  }
  return response.end(userId);
});
