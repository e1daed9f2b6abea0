import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { Auth, Principal } from "countersign";
import { AuthService } from "countersign/descriptors";
import { type JsonAlias, JsonAliases, type JsonAliasesOptions } from "countersign/http/json";
import type { ServedService } from "../served-service.ts";
import type { HttpHandler } from "./http.ts";

/** The paths that other clients know, for the RPCs that they stand for. */
export function jsonPaths(
  auth: Auth<Principal>,
  services: readonly ServedService[],
  options: JsonAliasesOptions,
): HttpHandler {
  const json = new JsonAliases(auth, options);
  const served = services.find(({ descriptor }) => descriptor === AuthService);
  if (served !== undefined) {
    for (const [path, alias] of Object.entries(paths))
      json.add(path, { ...alias, handlers: served.handlers });
  }
  return (request, response) => json.handle(request, response);
}

type Path = Omit<JsonAlias, "handlers">;
type Body = Readonly<Record<string, unknown>>;
type Answer = Readonly<Record<string, JsonValue>>;

const login = (toResponse: (answer: Answer) => unknown): Path => ({
  method: AuthService.method.login,
  toRequest: (body) => pick(body, ["username", "email", "password", "otp_code"]),
  toResponse,
});

const refresh = (toResponse: (answer: Answer) => unknown): Path => ({
  method: AuthService.method.refreshToken,
  toRequest: (body) => ({ refresh_token: text(body["refresh_token"] ?? body["refresh"]) }),
  toResponse,
});

const logout: Path = {
  method: AuthService.method.logout,
  toRequest: () => ({}),
  toResponse: () => ({ status: "logged out" }),
};

/** The paths of the clients that this grew from, with and without the slash at the end. */
const paths: Readonly<Record<string, Path>> = {
  "/auth/token": login(pair),
  "/auth/token/refresh": refresh(pair),
  "/auth/logout": logout,
  "/logout": logout,
  "/cfg/accounts/login/": login(djangoPair),
  "/cfg/accounts/login": login(djangoPair),
  "/api/token/": login(djangoPair),
  "/api/token": login(djangoPair),
  "/api/token/refresh/": refresh(djangoPair),
  "/api/token/refresh": refresh(djangoPair),
};

/** Numbers where those clients expect numbers; Protobuf's JSON writes 64-bit ones as text. */
function pair(answer: Answer): JsonObject {
  const user = (answer["user"] ?? {}) as JsonObject;
  return { ...answer, expires_in: Number(answer["expires_in"]), user: { ...user, id: Number(user["id"]) } };
}

function djangoPair(answer: Answer): JsonObject {
  return { ...pair(answer), access: answer["access_token"] ?? "", refresh: answer["refresh_token"] ?? "" };
}

function pick(body: Body, names: readonly string[]): JsonObject {
  return Object.fromEntries(names.filter((name) => name in body).map((name) => [name, text(body[name])]));
}

/** A member of another kind is refused by the message that it ends up in. */
function text(value: unknown): JsonValue {
  return value === undefined ? "" : (value as JsonValue);
}
