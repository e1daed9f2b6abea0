// The program from its sources, for tests: `node --conditions=countersign-source launcher.ts users list`.
import { main } from "../src/main.ts";

await main(process.argv);
