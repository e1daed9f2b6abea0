import { createAuth, type Principal, withRequest } from "countersign";
import { staticApiKey } from "countersign/api-key";
import { compilePolicy, policyFromData, policyFromDescriptors } from "countersign/policy";
import { celConditions } from "countersign/policy/cel";
import { type GetUserRequest, UserService } from "./gen/api/users/users_pb.ts";

// The rules that stand in the proto, beside each RPC.
const inProtos = policyFromDescriptors([UserService]);

// The same as data, for what has no proto of yours: parse the YAML or JSON as you like.
const inFile = policyFromData(
  {
    permissions: ["reports:read"],
    rules: {
      "GET /reports": { require: "reports:read", condition: "call.peer_address.startsWith('127.')" },
      "/acme.Legacy/Ping": "open",
    },
  },
  { origin: "policy.yaml" },
);

// And in code, which sees the decoded request: the owner, or staff.
export const owner = withRequest(
  (user: Principal, { userId }: GetUserRequest) => user.isStaff || user.userId === String(userId),
  { title: "owner or staff", denialMessage: "You can only read your own orders" },
);
const inCode = new Map([["/acme.Orders/Get", owner]]);

// Throws for a permission that nobody has defined, and for two rules for one RPC.
const tables = compilePolicy([inProtos, inFile], { conditions: celConditions() });

export const auth = createAuth<Principal>({
  authenticators: [staticApiKey({ keys: [{ name: "reports", key: "sk-reports-0123456789" }] })],
  policy: [...tables, inCode],
});
