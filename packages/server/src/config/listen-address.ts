import { isIP } from "node:net";

/** Where a listener listens. */
export interface ListenAddress {
  /** An IP address without brackets, or a host name. */
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
}

/** Reads `127.0.0.1:50051`, `localhost:8000` or `[::]:443`. Undefined if it is none. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const [, v6, name, digits = ""] = match;
  const port = Number(digits);
  if (port > 65_535 || (v6 !== undefined && isIP(v6) !== 6)) return undefined;
  return { host: v6 ?? name ?? "", port };
}

/** The address as a client writes it. */
export function formatAddress({ host, port }: ListenAddress): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Can only programs on this machine reach it? */
export function isLoopback({ host }: ListenAddress): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** An IP address, or a range of them such as `10.0.0.0/8`. */
export function isNetwork(text: string): boolean {
  const [, address = "", bits = "0"] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const family = isIP(address);
  return family !== 0 && Number(bits) <= (family === 4 ? 32 : 128);
}
