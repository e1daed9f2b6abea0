import { once } from "node:events";
import { type Command, Option } from "commander";
import type { Store } from "countersign/store";
import { openLocalStore } from "../administration/command-config.ts";
import { type ExportKind, exported, exportKinds } from "../administration/exported.ts";
import { csvLine } from "../terminal/csv.ts";
import { UsageError } from "../terminal/failure.ts";
import { print } from "../terminal/output.ts";
import { addCommand, type CommandOptions, collect, type Named, perform } from "./command.ts";

interface ExportOptions extends CommandOptions {
  readonly only?: readonly string[] | undefined;
  readonly format: "ndjson" | "csv";
}

/** `countersign export` */
export function addExportCommand(program: Command, named: Named): void {
  addCommand(program, {
    ...named,
    more: "It cannot be restored: that is what a backup is for.",
    examples: ["export > all.ndjson", "export --only audit --format csv > audit.csv"],
  })
    .option("--only <kind>", `${exportKinds.join(", ")}; may be there several times`, collect)
    .addOption(
      new Option("--format <format>", "csv takes one kind; no cell of it is taken for a formula")
        .choices(["ndjson", "csv"])
        .default("ndjson"),
    )
    .action((options: ExportOptions) =>
      perform(options, async () => {
        const kinds = kindsOf(options);
        const { store } = await openLocalStore({ file: options.config });
        try {
          for (const kind of kinds) await write(store, kind, options.format);
        } finally {
          await store.close();
        }
      }),
    );
}

function kindsOf({ only = exportKinds, format }: ExportOptions): readonly ExportKind[] {
  const unknown = only.find((kind) => !(exportKinds as readonly string[]).includes(kind));
  if (unknown !== undefined) throw new UsageError(`--only is one of ${exportKinds.join(", ")}`);
  if (format === "csv" && only.length !== 1)
    throw new UsageError("--format csv takes one kind: --only users, for example");
  return exportKinds.filter((kind) => only.includes(kind));
}

async function write(store: Store, kind: ExportKind, format: "ndjson" | "csv"): Promise<void> {
  const { columns, pages } = exported(store, kind);
  if (format === "csv") await put(csvLine(columns));
  for await (const page of pages) {
    const lines = page.map((record) =>
      format === "csv"
        ? csvLine(columns.map((column) => record[column]))
        : `${JSON.stringify({ kind, ...record })}\n`,
    );
    await put(lines.join(""));
  }
}

/** No faster than it is read. */
async function put(text: string): Promise<void> {
  print(text);
  if (process.stdout.writableNeedDrain) await once(process.stdout, "drain");
}
