import type { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import type { Server, TLSSocket, TlsOptions } from "node:tls";
import type { Logger } from "pino";
import type { Config } from "../config/config.ts";
import { ForwardedAuthorities } from "./forwarded-authorities.ts";
import { Reloading } from "./reloading.ts";
import { loadTlsMaterial, tlsFilesOf } from "./tls-material.ts";
import {
  asksClients,
  contextOptions,
  handshakeTimeoutMs,
  serverOptions,
  type TlsMaterial,
  type TlsSettings,
} from "./tls-settings.ts";
import { stillTrusted } from "./trust.ts";
import { fileState, watchFiles } from "./watch-files.ts";

/** `setTimeout` takes 31 bits of milliseconds. */
const longestTimer = 2 ** 31 - 1;

/** The TLS of one listener: its files, which may change while it listens, and who gets in. */
export class TlsEndpoint {
  readonly #where: string;
  readonly #settings: TlsSettings;
  readonly #log: Logger;
  readonly #reloading: Reloading;
  readonly #unwatch: () => void;
  /** Connections whose clients have shown a certificate, and the timer of its end. */
  readonly #clients = new Map<TLSSocket, NodeJS.Timeout | undefined>();
  /** Connections that have not shaken hands yet, by both their ends. */
  readonly #handshakes = new Map<string, Socket>();
  #material: TlsMaterial;
  #server: Server | undefined;
  #reloadedAt = Number.NEGATIVE_INFINITY;

  /** Reads the files, and watches them from then on. Throws a `ConfigError` for what cannot be used. */
  constructor(where: string, settings: TlsSettings, log: Logger) {
    const files = tlsFilesOf(settings);
    const seen = fileState(files);
    this.#where = where;
    this.#settings = settings;
    this.#log = log.child({ tls: where });
    this.#reloading = new Reloading(this.#log, "the new certificate cannot be used; the one of before stays");
    this.#material = loadTlsMaterial(where, settings);
    this.#unwatch = watchFiles(files, { seen, onChange: () => this.reload() });
  }

  /** What a server is to be made with. */
  get options(): TlsOptions {
    return serverOptions(this.#settings, this.#material);
  }

  /** Guards a server that was made with the options: nobody gets further who is refused here. */
  attach(server: Server): void {
    this.#server = server;
    server.on("connection", (socket: Socket) => {
      const ends = endsOf(socket);
      this.#handshakes.set(ends, socket);
      socket.once("close", () => this.#handshakes.delete(ends));
    });
    server.prependListener("secureConnection", (socket: TLSSocket) => this.#admit(socket));
    server.on("tlsClientError", (error: NodeJS.ErrnoException, socket: TLSSocket) =>
      this.#refused(socket, String(socket.authorizationError ?? error.code ?? error.message)),
    );
  }

  /**
   * Reads the files anew. What is good counts for new connections, and ends those of clients that are no longer
   * believed. What cannot be used changes nothing but the log: false.
   */
  reload(): boolean {
    const { authorities: before } = this.#material;
    const done = this.#reloading.attempt(() => {
      const material = loadTlsMaterial(this.#where, this.#settings);
      this.#server?.setSecureContext(contextOptions(this.#settings, material));
      this.#material = material;
      this.#reloadedAt = performance.now();
    });
    if (!done) return false;
    this.#log.info({ ...this.#summary(), ended: this.#endStrangers(before) }, "certificates were read anew");
    return true;
  }

  close(): void {
    this.#unwatch();
  }

  /** No server closes what hangs in its handshake before its time. */
  endHandshakes(): void {
    for (const socket of this.#handshakes.values()) socket.destroy();
  }

  #admit(socket: TLSSocket): void {
    this.#handshakes.delete(endsOf(socket));
    socket.on("error", () => {});
    if (!asksClients(this.#settings)) return;
    const certificate = socket.getPeerX509Certificate();
    const objection = this.#objectionTo(socket, certificate);
    if (objection !== undefined) {
      this.#refused(socket, objection);
      socket.destroy();
      return;
    }
    if (certificate === undefined) return;
    this.#endWith(certificate, socket);
    socket.once("close", () => {
      clearTimeout(this.#clients.get(socket));
      this.#clients.delete(socket);
    });
  }

  #objectionTo(socket: TLSSocket, certificate: X509Certificate | undefined): string | undefined {
    if (certificate === undefined)
      return this.#settings.client_certificates === "required" ? "no client certificate" : undefined;
    // Where a certificate is only welcome, a bad one is refused all the same.
    if (!socket.authorized) return String(socket.authorizationError);
    // A handshake that was begun before the last reload was judged by what counted then.
    const judgedAnew = performance.now() - this.#reloadedAt > 2 * handshakeTimeoutMs;
    return judgedAnew || this.#believes(socket) ? undefined : "no longer trusted";
  }

  /** A connection does not outlive its client's certificate: clients connect again with the next one. */
  #endWith(certificate: X509Certificate, socket: TLSSocket): void {
    const left = certificate.validToDate.getTime() - Date.now();
    if (left <= 0) socket.destroy();
    const again = (): void => this.#endWith(certificate, socket);
    this.#clients.set(socket, setTimeout(again, Math.min(Math.max(left, 1), longestTimer)).unref());
  }

  /** Ends the connections of clients that are not believed any more, and says how many. */
  #endStrangers(before: readonly X509Certificate[]): number {
    const { authorities } = this.#material;
    const removed = before.some(({ raw }) => !authorities.some((authority) => authority.raw.equals(raw)));
    const strangers = removed ? [...this.#clients.keys()].filter((socket) => !this.#believes(socket)) : [];
    for (const socket of strangers) socket.destroy();
    return strangers.length;
  }

  #believes(socket: TLSSocket): boolean {
    return stillTrusted(socket, this.#material.authorities);
  }

  #refused({ remoteAddress: peer }: TLSSocket, cause: string): void {
    // Who hangs up is not worth a line each time.
    const level = cause === "ECONNRESET" ? "debug" : "info";
    this.#log[level]({ peer, cause }, "a TLS connection was refused");
  }

  #summary(): Readonly<Record<string, unknown>> {
    const { chain, authorities } = this.#material;
    const [{ fingerprint256, validTo }] = chain;
    return { fingerprint256, validTo, authorities: authorities.length };
  }
}

function endsOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`;
}

/** The TLS of a node's listeners; undefined where one speaks plain text. And whom it believes about connections of proxies. */
export interface NodeTls {
  readonly grpc: TlsEndpoint | undefined;
  readonly http: TlsEndpoint | undefined;
  /** Undefined where no certificate counts that a proxy forwards. */
  readonly forwarded: ForwardedAuthorities | undefined;
  reload(): void;
  close(): void;
}

/** Reads every certificate of the configuration. Throws a `ConfigError` for what cannot be used. */
export function openTls({ grpc, http, proxies }: Config, log: Logger): NodeTls {
  const endpoints: (TlsEndpoint | ForwardedAuthorities)[] = [];
  const open = (where: string, settings: TlsSettings | undefined): TlsEndpoint | undefined => {
    if (settings === undefined) return undefined;
    const endpoint = new TlsEndpoint(where, settings, log);
    endpoints.push(endpoint);
    return endpoint;
  };
  const openForwarded = (path: string | undefined): ForwardedAuthorities | undefined => {
    if (path === undefined) return undefined;
    const authorities = new ForwardedAuthorities(path, log);
    endpoints.push(authorities);
    return authorities;
  };
  const close = (): void => {
    for (const endpoint of endpoints) endpoint.close();
  };
  try {
    const opened = {
      grpc: open("grpc.tls", grpc.tls),
      http: open("http.tls", http.tls),
      forwarded: openForwarded(proxies.client_ca_file),
    };
    return {
      ...opened,
      reload() {
        for (const endpoint of endpoints) endpoint.reload();
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}
