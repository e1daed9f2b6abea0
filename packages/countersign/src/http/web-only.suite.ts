import { AsyncLocalStorage } from "node:async_hooks";
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createContext, type Module, SourceTextModule, SyntheticModule } from "node:vm";

// A program of its own, run with --experimental-vm-modules: runs another one, and all that it
// imports, where there is nothing of Node's.

/** What browsers, workers, Deno and Bun have in common, as far as it is used. */
const { Request, Response, Headers, URL, URLSearchParams, ReadableStream, AbortController, AbortSignal } =
  globalThis;
const { TextEncoder, TextDecoder, setTimeout, clearTimeout, queueMicrotask, console, crypto } = globalThis;
const web = {
  Request,
  Response,
  Headers,
  URL,
  URLSearchParams,
  ReadableStream,
  AbortController,
  AbortSignal,
  TextEncoder,
};
const context = createContext({
  ...web,
  TextDecoder,
  setTimeout,
  clearTimeout,
  queueMicrotask,
  console,
  crypto,
});

const modules = new Map<string, Module>();

function load(specifier: string, from: string): Module {
  const url = specifier.startsWith("node:") ? specifier : import.meta.resolve(specifier, from);
  const known = modules.get(url);
  if (known !== undefined) return known;
  const module = url.startsWith("node:") ? builtin(url) : source(url);
  modules.set(url, module);
  return module;
}

function builtin(name: string): Module {
  if (name !== "node:async_hooks") throw new Error(`${name} was asked for`);
  return new SyntheticModule(
    ["AsyncLocalStorage"],
    function (this: SyntheticModule) {
      this.setExport("AsyncLocalStorage", AsyncLocalStorage);
    },
    { context },
  );
}

function source(url: string): Module {
  const path = fileURLToPath(url);
  const text = readFileSync(path, "utf8");
  return new SourceTextModule(path.endsWith(".ts") ? stripTypeScriptTypes(text) : text, {
    context,
    identifier: url,
  });
}

const [, , probe = ""] = process.argv;
const main = new SourceTextModule(probe, { context, identifier: pathToFileURL(import.meta.filename).href });
await main.link((specifier, { identifier }) => load(specifier, identifier));
await main.evaluate();
const { result } = main.namespace as { result: unknown };
const builtins = [...modules.keys()].filter((url) => url.startsWith("node:"));
console.log(JSON.stringify({ result: await result, modules: modules.size, builtins }));
