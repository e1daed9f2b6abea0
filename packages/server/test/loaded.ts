// `--import loaded.ts`: writes the names of all files that were loaded to LOADED_FILES at the end.
import { writeFileSync } from "node:fs";
import { registerHooks } from "node:module";

const files: string[] = [];
registerHooks({
  load(url, context, next) {
    files.push(url);
    return next(url, context);
  },
});
process.once("exit", () => writeFileSync(process.env["LOADED_FILES"] ?? "", files.join("\n")));
