import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import ts from "typescript";

/** Imports a file of the examples. Each loads anew what it imports: routes belong to one `Auth`. */
export function loadExample(file: string): Promise<Readonly<Record<string, never>>> {
  return import(`../${file}?${file}`);
}

registerHooks({
  resolve(specifier, context, next) {
    const query = context.parentURL?.match(/\/examples\/.*(\?.*)$/)?.[1] ?? "";
    return next(
      specifier.startsWith(".") && !specifier.includes("?") ? specifier + query : specifier,
      context,
    );
  },
  // Node strips types, but knows no decorators yet: a build does what the compiler does here.
  load(url, context, next) {
    if (!url.includes("/examples/nestjs/")) return next(url, context);
    const text = readFileSync(new URL(url), "utf8");
    const { target, module } = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ES2022 };
    const { outputText: source } = ts.transpileModule(text, {
      compilerOptions: { experimentalDecorators: true, target, module },
    });
    return { format: "module", source, shortCircuit: true };
  },
});
