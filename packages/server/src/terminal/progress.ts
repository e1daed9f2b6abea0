import { note } from "./output.ts";

/** What takes long says how far it is: after two seconds, and then every two. */
const everyMs = 2000;

/** Returns a function that is told how far it is as often as one likes. */
export function progress(what: string): (count: number) => void {
  let told = performance.now();
  return (count) => {
    const now = performance.now();
    if (now - told < everyMs) return;
    told = now;
    note(`countersign: ${count.toLocaleString("en")} ${what} …`);
  };
}
