import { connect, createServer, type Server, type Socket } from "node:net";

/**
 * - `pass`: as if it were not there.
 * - `refuse`: nobody listens, and what was connected is closed.
 * - `hang`: connections are accepted and nothing comes through, in either direction: like a cable that was cut.
 * - `reset`: everything that is connected is reset, and so is what connects.
 */
export type Fault =
  | "pass"
  | "refuse"
  | "hang"
  | "reset"
  | { readonly delayMs: number }
  /** What the server answers to the first message with this text is lost, and the connection with it. */
  | { readonly losesAnswerTo: string };

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

/** Stands between a client and a TCP server, and fails as it is told to. */
export class FaultProxy {
  readonly port: number;
  readonly #target: number;
  readonly #listener: Server;
  readonly #pairs = new Set<Pair>();
  #fault: Fault = "pass";

  private constructor(listener: Server, port: number, target: number) {
    this.#listener = listener;
    this.port = port;
    this.#target = target;
    listener.on("connection", (socket) => this.#accept(socket));
  }

  /** In front of a port of the loopback address. */
  static async before(target: number): Promise<FaultProxy> {
    const listener = createServer({ pauseOnConnect: true });
    await listening(listener, 0);
    return new FaultProxy(listener, (listener.address() as { port: number }).port, target);
  }

  /** Takes effect on what is connected, too. */
  async set(fault: Fault): Promise<void> {
    this.#fault = fault;
    if (fault === "refuse") await closing(this.#listener, () => this.#reset());
    else if (!this.#listener.listening) await listening(this.#listener, this.port);
    if (fault === "reset") this.#reset();
    for (const { client, server } of this.#pairs) {
      for (const socket of [client, server]) {
        if (fault === "hang") socket.pause();
        else socket.resume();
      }
    }
  }

  async close(): Promise<void> {
    if (!this.#listener.listening) return;
    await closing(this.#listener, () => this.#reset());
  }

  #accept(client: Socket): void {
    if (this.#fault === "reset") {
      client.resetAndDestroy();
      return;
    }
    const server = connect(this.#target, "127.0.0.1");
    const pair = { client, server };
    this.#pairs.add(pair);
    let lost = false;
    this.#forward(client, server, pair, (chunk) => {
      const fault = this.#fault;
      if (typeof fault !== "object" || !("losesAnswerTo" in fault)) return true;
      if (!lost && chunk.includes(fault.losesAnswerTo)) {
        lost = true;
        this.#fault = "pass";
      }
      return true;
    });
    this.#forward(server, client, pair, () => {
      if (lost) client.resetAndDestroy();
      return !lost;
    });
    if (this.#fault === "hang") server.pause();
    else client.resume();
  }

  #forward(from: Socket, to: Socket, pair: Pair, passes: (chunk: Buffer) => boolean): void {
    from.setNoDelay(true);
    from.on("data", (chunk) => {
      if (!passes(chunk)) return;
      const fault = this.#fault;
      if (typeof fault === "object" && "delayMs" in fault)
        setTimeout(() => to.write(chunk), fault.delayMs).unref();
      else to.write(chunk);
    });
    from.on("error", () => {});
    from.on("end", () => to.end());
    from.on("close", () => {
      this.#pairs.delete(pair);
      to.destroy();
    });
  }

  #reset(): void {
    for (const { client, server } of this.#pairs) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
    this.#pairs.clear();
  }
}

function listening(listener: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    listener.once("error", reject);
    listener.listen(port, "127.0.0.1", () => {
      listener.off("error", reject);
      resolve();
    });
  });
}

/** A server is closed when its last connection is. */
function closing(listener: Server, reset: () => void): Promise<void> {
  return new Promise((resolve) => {
    listener.close(() => resolve());
    reset();
  });
}
