// The real program, from its sources: `node --conditions=countersign-source conformance/program.ts dev --json`.
import { main } from "../packages/server/src/main.ts";

await main(process.argv);
