import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { validate } from "dockerfile-utils";

const root = new URL("../../", import.meta.url);
const text = (name: string): string => readFileSync(new URL(name, root), "utf8");

describe("the Dockerfile", () => {
  const dockerfile = text("Dockerfile");
  const instructions = dockerfile.split("\n").filter((line) => /^[A-Z]+ /.test(line));
  const runtime = instructions.slice(instructions.findLastIndex((line) => line.startsWith("FROM ")));

  it("has nothing that a linter finds", () => assert.deepEqual(validate(dockerfile), []));

  it("names no registry: which one is for whoever builds", () => {
    assert.doesNotMatch(dockerfile, /^(ARG \w+=|FROM )[\w-]+(\.[\w-]+)+\//m);
  });

  it("ends in an image without a shell, as nobody in particular", () => {
    assert.match(runtime[0] ?? "", /^FROM \$\{RUNTIME_IMAGE\}$/);
    assert.match(dockerfile, /^ARG RUNTIME_IMAGE=distroless\/\S+:nonroot$/m);
    assert.ok(runtime.includes("USER 65532:65532"));
    assert.ok(!runtime.some((line) => line.startsWith("RUN ")), "there is nothing to run it with");
    for (const line of runtime.filter((line) => /^(CMD|ENTRYPOINT) /.test(line)))
      assert.match(line, /^\w+ \[/);
    assert.match(dockerfile, /HEALTHCHECK [^\n]*\\\n {2}CMD \["\/nodejs\/bin\/node", .*"health"\]/);
  });

  it("copies what .dockerignore lets through", () => {
    const lines = text(".dockerignore").split("\n");
    assert.equal(
      lines.find((line) => !line.startsWith("#")),
      "*",
      "nothing by default",
    );
    for (const line of instructions.filter((one) => one.startsWith("COPY ") && !one.includes("--from"))) {
      for (const source of line.split(" ").slice(1, -1))
        assert.ok(
          source === "packages" ||
            lines.includes(`!${source}`) ||
            lines.includes(`!${source.replace(/^packages\/\w+/, "packages/*")}`),
          source,
        );
    }
  });

  it("installs the packages by the names that they are packed under", () => {
    for (const name of ["countersign", "server"]) {
      const { name: full, version } = JSON.parse(text(`packages/${name}/package.json`)) as Record<
        string,
        string
      >;
      const file = `/src/${full?.replace("@", "").replace("/", "-")}-${version}.tgz`;
      assert.ok(dockerfile.includes(`"${file}"`), file);
    }
  });
});

it("the unit of systemd has a section for each setting, and none twice", () => {
  const sections = text("deploy/systemd/countersign.service").split(/^\[/m).slice(1);
  assert.deepEqual(
    sections.map((section) => section.slice(0, section.indexOf("]"))),
    ["Unit", "Service", "Install"],
  );
  const settings = (sections[1] ?? "").split("\n").filter((line) => line.includes("="));
  const names = settings
    .map((line) => line.slice(0, line.indexOf("=")))
    .filter((name) => name !== "LoadCredential");
  assert.equal(new Set(names).size, names.length);
});
