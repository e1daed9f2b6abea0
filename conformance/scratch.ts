import { temporaryFolder } from "../tools/at-exit.ts";

/** A new folder that nobody else uses. It is gone when this process ends. */
export function scratchFolder(): string {
  return temporaryFolder("conformance");
}
