import type { Json } from "./protos.ts";

/** What a caller may do, each including what stands before it. */
export const ranks = ["nobody", "user", "staff", "superuser"] as const;
export type Rank = (typeof ranks)[number];

/** An RPC of the demo service: every kind of RPC and every kind of rule. */
export interface Procedure {
  readonly path: string;
  /** The least that a caller must be. */
  readonly needs: Rank;
  /** What a caller is told who may not. */
  readonly refusal?: string;
  readonly take?: number;
  /** `mark` is a text that nobody has used before; `victim` is the id of an account that may be deleted. */
  readonly requests: (mark: string, victim: string) => readonly Json[];
  /** Whom the answer names as its caller. Undefined if it names nobody. */
  readonly caller: (answer: Json) => unknown;
  /** What is different after a call that went well. */
  readonly changes?: "bio" | "victim";
}

const service = "/api.users.UserService";
const requestedBy = (answer: Json): unknown => answer["requested_by"] ?? "";

export const procedures: readonly Procedure[] = [
  { path: `${service}/GetUser`, needs: "nobody", requests: () => [{ user_id: "1" }], caller: requestedBy },
  {
    path: `${service}/UpdateProfile`,
    needs: "user",
    requests: (bio) => [{ bio }],
    caller: requestedBy,
    changes: "bio",
  },
  {
    path: `${service}/ListAllUsers`,
    needs: "staff",
    refusal: "Staff access required",
    requests: () => [{}],
    caller: ({ users }) => requestedBy((users as readonly Json[])[0] ?? {}),
  },
  {
    path: `${service}/DeleteUser`,
    needs: "superuser",
    refusal: "Superuser access required",
    requests: (_mark, victim) => [{ user_id: victim }],
    caller: () => undefined,
    changes: "victim",
  },
  { path: `${service}/WatchUsers`, needs: "user", requests: () => [{}], take: 1, caller: requestedBy },
  {
    path: `${service}/Upload`,
    needs: "user",
    requests: () => [{ chunk: "AAEC" }, { chunk: "AwQF" }],
    caller: (answer) => answer["uploaded_by"],
  },
  {
    path: `${service}/Chat`,
    needs: "user",
    requests: (text) => [{ text }],
    take: 1,
    caller: (answer) => answer["from"],
  },
];
