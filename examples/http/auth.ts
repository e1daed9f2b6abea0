import { createAuth, type Principal, type UserAccount } from "countersign";
import { staticApiKey } from "countersign/api-key";
import { createKeyRing, hmacKey, jwt } from "countersign/jwt";
import { memoryRevocations } from "countersign/revocation";

export const signingKey = hmacKey({ secret: process.env["JWT_SECRET"] ?? "", algorithm: "HS256" });
export const revocations = memoryRevocations();

/** Keys of programs, in `x-api-key`. */
export const internalKey = staticApiKey({
  keys: [{ name: "jobs", key: process.env["JOBS_KEY"] ?? "", permissions: ["reports:read"] }],
});

/** Callers prove who they are by a token, or by a key. Rules stand beside the routes. */
export const auth = createAuth<Principal>({
  authenticators: [jwt({ keys: createKeyRing([signingKey]), requiredClaims: ["exp", "jti"] }), internalKey],
  policy: [],
  revocations,
});

/** Your own table of users: read when a handler asks for the caller's account. */
export const users = {
  load: async (id: string): Promise<UserAccount> => ({
    id,
    username: `user ${id}`,
    email: undefined,
    isActive: true,
    isStaff: false,
    isSuperuser: false,
    roles: [],
    permissions: [],
  }),
};
