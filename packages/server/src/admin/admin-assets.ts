import { readdirSync, readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";
import { ConfigError } from "../config/config-error.ts";

/** Where the build puts the pages: beside the program, from its sources too. */
const folder = fileURLToPath(new URL("../../dist/admin-ui", import.meta.url));

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

/**
 * Nothing but the program's own files runs in a page of the admin UI, nothing leaves for elsewhere, and no other page can
 * hold one in a frame. Text becomes markup nowhere: there is no Trusted Types policy that could do it.
 */
export const pageHeaders: Readonly<Record<string, string>> = {
  "content-security-policy": [
    "default-src 'none'",
    ...["script-src", "style-src", "img-src", "font-src", "connect-src"].map((kind) => `${kind} 'self'`),
    ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
    ...["require-trusted-types-for 'script'", "trusted-types 'none'"],
  ].join("; "),
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
};

interface Asset {
  readonly type: string;
  readonly plain: Buffer;
  /** Made when it is first asked for; undefined where it would not be shorter. */
  readonly brotli: () => Buffer | undefined;
  readonly caching: string;
}

/** The built pages, read once. */
export class AdminAssets {
  readonly #files: ReadonlyMap<string, Asset>;

  /** Throws a `ConfigError` if the UI was not built. */
  constructor(from: string = folder) {
    this.#files = new Map(filesIn(from).map((path) => [nameOf(from, path), readAsset(path)]));
    if (!this.#files.has("index.html")) throw notBuilt();
  }

  /** Answers with the file of a path below `/admin/`; a path of the UI's own is the page itself. */
  answer(name: string, request: IncomingMessage, response: ServerResponse): void {
    const asset = this.#files.get(name) ?? (extname(name) === "" ? this.#files.get("index.html") : undefined);
    if (asset === undefined) {
      response.writeHead(404, { ...pageHeaders, "content-type": "text/plain" }).end("not found\n");
      return;
    }
    const { "accept-encoding": accepted = "" } = request.headers;
    const brotli = /\bbr\b/.test(String(accepted)) ? asset.brotli() : undefined;
    const body = brotli ?? asset.plain;
    response.writeHead(200, {
      ...pageHeaders,
      "content-type": asset.type,
      "content-length": body.length,
      "cache-control": asset.caching,
      vary: "accept-encoding",
      ...(brotli !== undefined && { "content-encoding": "br" }),
    });
    response.end(request.method === "HEAD" ? undefined : body);
  }
}

function filesIn(from: string): readonly string[] {
  try {
    return readdirSync(from, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch {
    throw notBuilt();
  }
}

function notBuilt(): ConfigError {
  return new ConfigError("the admin UI is not built: run `npm run build`, or set admin.enabled: false");
}

function nameOf(from: string, path: string): string {
  return relative(from, path).split(sep).join("/");
}

function readAsset(path: string): Asset {
  const plain = readFileSync(path);
  const extension = extname(path);
  const text = [".html", ".js", ".css", ".svg"].includes(extension);
  let compressed: Buffer | undefined;
  return {
    type: types[extension] ?? "application/octet-stream",
    plain,
    brotli: () => {
      if (text) compressed ??= compress(plain);
      return compressed;
    },
    // Vite writes a digest of the content into the name of each file but the page.
    caching: extension === ".html" ? "no-cache" : "public, max-age=31536000, immutable",
  };
}

function compress(plain: Buffer): Buffer {
  return brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 6 } });
}
