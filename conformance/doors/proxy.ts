import type { ServerProcess } from "../server-process.ts";

/** Between what a proxy asks and what it stands before. */
export interface ProxyPlaces {
  /** The program that decides. */
  readonly asked: ServerProcess;
  /** `127.0.0.1:PORT` of the service behind it. */
  readonly behind: string;
}

/** Puts a proxy there. It does what the real one does with requests, and nothing of its own. */
export type OpenProxy = (places: ProxyPlaces) => Promise<{
  readonly address: string;
  close(): Promise<void>;
}>;

/** Where the service behind a proxy of ours finds the id of its caller. (A real one is handed a signed token: nginx.test.ts.) */
export const callerHeader = "x-stand-in-caller";
