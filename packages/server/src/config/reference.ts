import { z } from "zod";
import { configSchema } from "./schema.ts";
import { variables } from "./variables.ts";

/** One member of the configuration file, for the reference. */
export interface ConfigMember {
  readonly path: string;
  /** As text for a table. */
  readonly fallback: string;
  readonly text: string;
}

interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  /** Of members by any name. */
  readonly additionalProperties?: JsonSchema | boolean;
}

/** Every member of the configuration file, in order. */
export function configMembers(): readonly ConfigMember[] {
  return membersOf(z.toJSONSchema(configSchema, { io: "input" }) as JsonSchema, "");
}

/** Every variable that is read. */
export function configVariables(): readonly { readonly name: string; readonly text: string }[] {
  return variables.map(({ name, path, text }) => ({
    name,
    text: path === undefined ? text : `\`${path.join(".")}\``,
  }));
}

function membersOf(schema: JsonSchema, prefix: string): readonly ConfigMember[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, member]) => {
    const path = prefix === "" ? name : `${prefix}.${name}`;
    if (member.properties !== undefined) return membersOf(member, path);
    if (member.items?.properties !== undefined) {
      return [
        { path, fallback: "none", text: member.description ?? "" },
        ...membersOf(member.items, `${path}[]`),
      ];
    }
    const { additionalProperties: named } = member;
    if (typeof named === "object" && named.properties !== undefined) {
      return [
        { path, fallback: "none", text: member.description ?? "" },
        ...membersOf(named, `${path}.NAME`),
      ];
    }
    return [{ path, fallback: fallbackOf(member), text: textOf(member) }];
  });
}

function fallbackOf({ default: fallback }: JsonSchema): string {
  if (fallback === undefined || (Array.isArray(fallback) && fallback.length === 0)) return "none";
  return fallback === "" ? "empty" : `\`${JSON.stringify(fallback).replaceAll('"', "")}\``;
}

function textOf({ description, enum: choices, anyOf }: JsonSchema): string {
  const parts = [description ?? ""];
  if (choices !== undefined)
    parts.push(`one of ${choices.map((choice) => `\`${String(choice)}\``).join(", ")}`);
  if (anyOf?.some(({ properties }) => properties?.["env"] !== undefined))
    parts.push("(a secret: `file` or `env`)");
  return parts
    .filter((part) => part !== "")
    .join("; ")
    .replace("; (", " (");
}
