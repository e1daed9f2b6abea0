import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/config-error.ts";

/** Which service a token for a procedure is for, or what is wrong with the configuration. */
export type Audiences =
  | { readonly ok: true; readonly ofProcedure: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly problem: string };

interface Upstream {
  readonly methods?: readonly string[] | undefined;
}

/** The `aud` of each procedure. Undefined where no upstream is configured; a `ConfigError` where one is none's, or two's. */
export function configuredAudiences(
  { proxies }: Pick<Config, "proxies">,
  procedures: readonly string[],
): ReadonlyMap<string, string> | undefined {
  if (Object.keys(proxies.upstreams).length === 0) return undefined;
  const audiences = audiencesOf(proxies.upstreams, procedures);
  if (!audiences.ok) throw new ConfigError(`proxies.upstreams: ${audiences.problem}`);
  return audiences.ofProcedure;
}

/** Gives each procedure to one upstream: what none names goes to the one that names nothing. */
export function audiencesOf(
  upstreams: Readonly<Record<string, Upstream>>,
  procedures: readonly string[],
): Audiences {
  const ofProcedure = new Map<string, string>();
  const rest = Object.keys(upstreams).filter((name) => upstreams[name]?.methods === undefined);
  if (rest.length > 1)
    return problem(`${rest.join(" and ")} both serve what no other does: name the methods of one`);
  for (const [name, { methods = [] }] of Object.entries(upstreams)) {
    for (const method of methods) {
      const named = procedures.filter((procedure) => matches(method, procedure));
      if (named.length === 0)
        return problem(`${name} names ${method}, for which there is no rule of a service behind a proxy`);
      for (const procedure of named) {
        const other = ofProcedure.get(procedure);
        if (other !== undefined && other !== name)
          return problem(`${procedure} is served by ${other} and by ${name}`);
        ofProcedure.set(procedure, name);
      }
    }
  }
  const left = procedures.filter((procedure) => !ofProcedure.has(procedure));
  const [otherwise] = rest;
  if (left.length > 0 && otherwise === undefined)
    return problem(`none serves ${left.join(", ")}: add it to methods, or leave methods out of one`);
  for (const procedure of left) if (otherwise !== undefined) ofProcedure.set(procedure, otherwise);
  return { ok: true, ofProcedure };
}

function matches(method: string, procedure: string): boolean {
  return method.endsWith("/*") && method.startsWith("/")
    ? procedure.startsWith(method.slice(0, -1))
    : method === procedure;
}

function problem(text: string): Audiences {
  return { ok: false, problem: text };
}
