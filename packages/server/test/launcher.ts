// The program from its sources, for tests: `node --conditions=source launcher.ts users list`.
import { main } from "../src/main.ts";

await main(process.argv);
