import { createAuth, isStaff, type Principal, policyFor } from "countersign";
import { createIssuer, oidc } from "countersign/oidc";
import { UserService } from "./gen/api/users/users_pb.ts";

// Nothing is fetched before the first token. Google spells itself in two ways; both are one issuer.
const google = createIssuer({
  issuer: "https://accounts.google.com",
  alsoKnownAs: ["accounts.google.com"],
  algorithms: ["RS256"],
  onError: (error) => console.error(error.message),
});

const policy = policyFor<Principal>().rules(UserService, {
  getUser: "optional",
  updateProfile: "authenticated",
  listAllUsers: isStaff,
  deleteUser: isStaff,
  watchUsers: "authenticated",
  upload: "authenticated",
  chat: "authenticated",
});

export const auth = createAuth<Principal>({
  authenticators: [
    oidc({
      issuer: google,
      kind: "id-token",
      clientId: process.env["GOOGLE_CLIENT_ID"] ?? "",
      // Only the people of one domain; without this, everybody who has a Google account.
      requiredValues: { hd: "example.org" },
    }),
  ],
  policy: [policy],
});
