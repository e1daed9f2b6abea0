// Runs dependency-cruiser, and fails when it sees too little: a tool that resolves nothing finds nothing wrong.
import { spawnSync } from "node:child_process";

const fewest = 120;
const run = spawnSync(
  "depcruise",
  ["--config", ".dependency-cruiser.cjs", "--output-type", "json", "packages", "conformance", "bench"],
  { encoding: "utf8", maxBuffer: 256 * 1024 * 1024 },
);
if (run.error) throw run.error;
const { modules, summary } = JSON.parse(run.stdout);
const own = modules.filter(({ source }) => /^(packages|conformance|bench)\//.test(source));
for (const { rule, from, to } of summary.violations) console.error(`${rule.name}: ${from} → ${to}`);
if (own.length < fewest)
  console.error(`only ${own.length} modules were seen, and there are at least ${fewest}`);
if (summary.violations.length > 0 || own.length < fewest) process.exit(1);
console.log(
  `${own.length} modules, ${modules.reduce((sum, { dependencies }) => sum + dependencies.length, 0)} imports: as they should be`,
);
