import { sqliteSchemaVersion } from "countersign/store/sqlite";
import { type Check, fail, ok, warn } from "./check.ts";

/** Is the schema this program's? The version is the same for every database. */
export function checkSchema(version: number): Check {
  const known = sqliteSchemaVersion;
  if (version > known)
    return fail("schema", `version ${version}, and this program knows ${known}`, "run the newer program");
  if (version < known)
    return warn(
      "schema",
      `version ${version} of ${known}`,
      "the next start of the server brings it up to date",
    );
  return ok("schema", `version ${version}`);
}

/** Is there somebody who can administer the rest? */
export function checkSuperuser(username: string | undefined): Check {
  if (username !== undefined) return ok("superuser", `${username} is one, and active`);
  return warn(
    "superuser",
    "no active superuser",
    "countersign users create NAME --superuser, or countersign users update NAME --superuser",
  );
}
