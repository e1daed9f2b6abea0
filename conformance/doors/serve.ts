import { openKit, type ServeKit } from "./kit.ts";

// One door in a process of its own: node serve.ts NAME DATA. It ends with its standard input.

const [, , name = "", data = ""] = process.argv;
const { serve } = (await import(`./${name}.ts`)) as { serve: ServeKit };
console.log(JSON.stringify(await serve(await openKit(data))));
process.stdin.resume().once("end", () => process.exit());
