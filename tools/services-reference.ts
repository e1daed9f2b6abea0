import { execFileSync } from "node:child_process";
import {
  createFileRegistry,
  type DescField,
  type DescFile,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  ScalarType,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema, MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { policyFromDescriptors, ruleText } from "countersign/policy";

/** Field numbers of descriptor.proto, of which paths to comments are made. */
const path = { message: 4, service: 6, field: 2, method: 2 } as const;

/** What the protos say of the services of `auth.v1`, as Markdown: each RPC with its rule, path, request and answer. */
export function servicesReference(): readonly string[] {
  const image = execFileSync("buf", ["build", "-o", "-"], { maxBuffer: 64 * 1024 * 1024 });
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, image));
  const files = [...registry.files].filter(({ proto }) => proto.package === "auth.v1");
  const services = files.flatMap((file) => file.services).sort((a, b) => (a.name < b.name ? -1 : 1));
  const shared = sharedMessages(services);
  return [
    ...services.flatMap((service) => serviceText(service, shared)),
    "## Messages",
    "",
    ...[...shared]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .flatMap((message) => messageText(message, shared)),
  ];
}

function serviceText(service: DescService, shared: ReadonlySet<DescMessage>): readonly string[] {
  const at = service.file.services.indexOf(service);
  const rules = new Map(
    policyFromDescriptors([service]).entries.map(({ procedure, rule }) => [procedure, ruleText(rule)]),
  );
  return [
    `## ${service.name}`,
    "",
    ...paragraph(comment(service.file, [path.service, at])),
    ...service.methods.flatMap((method, index) => {
      const procedure = `/${service.typeName}/${method.name}`;
      return [
        `### ${service.name}.${method.name}`,
        "",
        `\`${verbsOf(method)} ${procedure}\` · ${streams(method)}rule: \`${rules.get(procedure) ?? "none"}\``,
        "",
        ...paragraph(comment(service.file, [path.service, at, path.method, index])),
        ...fieldsText("Request", method.input, shared),
        ...fieldsText("Answer", method.output, shared),
      ];
    }),
  ];
}

function verbsOf({ idempotency }: DescMethod): string {
  return idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS ? "GET, POST" : "POST";
}

function streams({ methodKind }: DescMethod): string {
  return methodKind === "unary" ? "" : `${methodKind.replaceAll("_", " ")} · `;
}

function fieldsText(
  title: string,
  message: DescMessage,
  shared: ReadonlySet<DescMessage>,
): readonly string[] {
  if (shared.has(message)) return [`${title}: ${linkTo(message)}`, ""];
  if (message.fields.length === 0) return [`${title}: empty`, ""];
  return [`${title}:`, "", ...fieldLines(message, shared), ""];
}

function messageText(message: DescMessage, shared: ReadonlySet<DescMessage>): readonly string[] {
  return [
    `### ${message.name}`,
    "",
    ...paragraph(comment(message.file, pathOf(message))),
    ...fieldLines(message, shared),
    "",
  ];
}

function fieldLines(message: DescMessage, shared: ReadonlySet<DescMessage>): readonly string[] {
  return message.fields.map((field, index) => {
    const text = comment(message.file, [...pathOf(message), path.field, index]);
    return `- \`${field.name}\` ${typeText(field, shared)}${text === "" ? "" : `: ${text}`}`;
  });
}

function typeText(field: DescField, shared: ReadonlySet<DescMessage>): string {
  const many = field.fieldKind === "list" ? "list of " : field.fieldKind === "map" ? "map to " : "";
  const optional = field.proto.proto3Optional ? ", optional" : "";
  const message = "message" in field ? field.message : undefined;
  if (message !== undefined)
    return `${many}${shared.has(message) ? linkTo(message) : message.typeName}${optional}`;
  const scalar =
    "scalar" in field && field.scalar !== undefined ? ScalarType[field.scalar].toLowerCase() : "";
  return `${many}${scalar || ("enum" in field ? (field.enum?.name ?? "") : "")}${optional}`;
}

const linkTo = ({ name }: DescMessage): string => `[${name}](#${name.toLowerCase()})`;

/** Messages of ours that stand in others, or in more than one RPC. */
function sharedMessages(services: readonly DescService[]): ReadonlySet<DescMessage> {
  const shared = new Set<DescMessage>();
  const seen = new Set<DescMessage>();
  const look = (message: DescMessage, inside: boolean): void => {
    if (message.file.proto.package !== "auth.v1") return;
    if (inside || seen.has(message)) shared.add(message);
    if (seen.has(message)) return;
    seen.add(message);
    for (const field of message.fields) if ("message" in field && field.message) look(field.message, true);
  };
  for (const { input, output } of services.flatMap(({ methods }) => methods)) {
    look(input, false);
    look(output, false);
  }
  return shared;
}

function pathOf(message: DescMessage): readonly number[] {
  return [path.message, message.file.messages.indexOf(message)];
}

/** The comment before a declaration, or behind it in its line, as one line. */
function comment({ proto }: DescFile, of: readonly number[]): string {
  const location = proto.sourceCodeInfo?.location.find(
    ({ path: at }) => at.length === of.length && at.every((step, index) => step === of[index]),
  );
  return (location?.leadingComments || location?.trailingComments || "").trim().replace(/\s*\n\s*/g, " ");
}

function paragraph(text: string): readonly string[] {
  return text === "" ? [] : [text, ""];
}
