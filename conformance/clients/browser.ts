import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import type { CallingPage, PageCall } from "./browser-page.ts";
import type { ClientKind } from "./client.ts";

/** gRPC-Web as a page in Chromium speaks it: connect-web, and the browser's own fetch with its CORS. */
export const chromiumGrpcWeb = kindOf("gRPC-Web");

/** The Connect protocol, from the same page. */
export const chromiumConnect = kindOf("Connect");

function kindOf(protocol: PageCall["protocol"]): ClientKind {
  return {
    name: `${protocol} from Chromium`,
    listener: "http",
    abilities: [],
    inBrowser: true,
    carries: ({ requestStream }) => !requestStream,
    async connect(address) {
      const { page } = await openPages();
      return {
        call: (call) =>
          page.evaluate((given) => (globalThis as unknown as CallingPage).callRpc(given), {
            protocol,
            baseUrl: `http://${address}`,
            call,
          }),
        close: async () => {},
      };
    },
  };
}

/** A page in Chromium, and where it comes from: a server has to allow that (`http.cors.allowed_origins`). */
export interface Pages {
  readonly origin: string;
  readonly page: Page;
}

interface OpenPages extends Pages {
  readonly browser: Browser;
  readonly server: Server;
}

let opened: Promise<OpenPages> | undefined;

/** One browser and one page for everything in this process that needs them. To be closed. */
export function openPages(): Promise<Pages> {
  opened ??= open();
  return opened;
}

export async function closePages(): Promise<void> {
  const open = await opened;
  opened = undefined;
  await open?.browser.close();
  open?.server.close().closeAllConnections();
}

async function open(): Promise<OpenPages> {
  // Both take their time to load, and most who know these clients never ask them.
  const { startBrowser } = await import("../admin/browser.ts");
  const script = await bundle();
  const server = createServer((request, response) => {
    const isScript = request.url === "/page.js";
    response.setHeader("content-type", isScript ? "text/javascript" : "text/html");
    response.end(isScript ? script : '<!doctype html><title>page</title><script src="/page.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const browser = await startBrowser();
  const page = await browser.newPage();
  await page.goto(origin);
  return { origin, page, browser, server };
}

async function bundle(): Promise<string> {
  const { build } = await import("vite");
  const entry = fileURLToPath(new URL("browser-page.ts", import.meta.url));
  const built = await build({
    ...{ configFile: false, logLevel: "warn", root: fileURLToPath(new URL("..", import.meta.url)) },
    build: { write: false, minify: false, lib: { entry, formats: ["iife"], name: "page" } },
  });
  const [output] = [built].flat();
  if (output === undefined || !("output" in output)) throw new Error("the page was not built");
  return output.output[0].code;
}
