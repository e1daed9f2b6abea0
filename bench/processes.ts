import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";

/** Starts a file of the benchmark as a process of its own. */
export function start(file: string, args: readonly string[] = []): ChildProcess {
  return fork(new URL(file, import.meta.url), args, { execArgv: ["--conditions=countersign-source"] });
}

/** What a process says next. A process that ends instead is the end of the benchmark. */
export function message<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => {
      child.off("message", heard);
      reject(new Error(`a process of the benchmark ended with code ${code}`));
    };
    const heard = (value: unknown): void => {
      child.off("exit", ended);
      resolve(value as T);
    };
    child.once("message", heard);
    child.once("exit", ended);
  });
}

/** Gives an order, and waits for what is said to it. */
export function call<T>(child: ChildProcess, order: object): Promise<T> {
  const answer = message<T>(child);
  child.send(order);
  return answer;
}

/** Lets go of a process, and waits for its end. */
export async function stop(child: ChildProcess): Promise<void> {
  if (!child.connected) return;
  const gone = once(child, "exit");
  child.disconnect();
  await gone;
}
