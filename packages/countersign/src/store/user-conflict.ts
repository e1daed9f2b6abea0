import { Conflict } from "./contracts.ts";

/** Another user has this name or address. */
export function taken(field: "username" | "email"): Conflict {
  return new Conflict(field, `this ${field} is in use`);
}

/** What is to be created would belong to nobody. */
export function noSuchUser(): Conflict {
  return new Conflict("userId", "there is no such user");
}

/** Without this user nobody could administer the others. */
export function lastSuperuser(field: string): Conflict {
  return new Conflict(field, "the last active superuser must stay one");
}
