import { useQuery } from "@connectrpc/connect-query";
import { Check, Minus } from "lucide-react";
import { useState } from "react";
import { PolicyService, type Role } from "../api/protos.ts";
import { holds } from "../api/rights.ts";
import { text } from "../text.ts";
import { Code } from "../ui/copy.tsx";
import { Panel } from "../ui/page.tsx";
import { SearchBox } from "../ui/search-box.tsx";
import { permissionText } from "./permission-text.ts";

/** Roles beside every RPC whose rule asks for one permission: who may call what, at a glance. */
export function PermissionMatrix({ roles }: { roles: readonly Role[] }) {
  const [search, setSearch] = useState("");
  const { data } = useQuery(PolicyService.method.listRules, {}, { retry: false });
  const rows = (data?.rules ?? [])
    .flatMap(({ procedure, rule }) => {
      const permission =
        /^hasPermission\('?"?([^'")]+)/.exec(rule)?.[1] ?? /^([\w.*-]+:[\w.*-]+)$/.exec(rule)?.[1];
      return permission === undefined ? [] : [{ procedure, permission }];
    })
    .filter(({ procedure }) => procedure.toLowerCase().includes(search.toLowerCase()));
  if (data === undefined) return null;
  const sets = new Map(roles.map((role) => [role.name, patternsOf(role, roles, new Set())]));
  return (
    <Panel
      title={text.roles.matrix}
      actions={<SearchBox label={text.policies.search} value={search} onSearch={setSearch} />}
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard */}
      <section className="-mx-5 -my-4 max-h-[60vh] overflow-auto" tabIndex={0} aria-label={text.roles.matrix}>
        <table className="w-full text-left">
          <thead className="sticky top-0 bg-panel text-[13px]">
            <tr>
              <th scope="col" className="px-5 py-2 font-medium text-soft">
                {text.policies.procedure}
              </th>
              {roles.map(({ name }) => (
                <th key={name} scope="col" className="px-3 py-2 text-center font-medium text-soft">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ procedure, permission }) => (
              <tr key={procedure} className="border-t border-line">
                <th scope="row" className="px-5 py-1.5 font-normal">
                  <Code>{procedure}</Code>
                  <span className="block text-[13px] text-faint">{permission}</span>
                </th>
                {roles.map(({ name }) => (
                  <td key={name} className="px-3 py-1.5 text-center">
                    <Mark on={holds(sets.get(name) ?? [], permission, false)} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </Panel>
  );
}

function Mark({ on }: { on: boolean }) {
  return on ? (
    <Check size={16} className="inline text-good" aria-label={text.roles.may} />
  ) : (
    <Minus size={16} className="inline text-faint opacity-60" aria-label={text.roles.mayNot} />
  );
}

/** A role's own permissions, and those of what it inherits. */
function patternsOf(role: Role, all: readonly Role[], seen: Set<string>): readonly string[] {
  if (seen.has(role.name)) return [];
  seen.add(role.name);
  const inherited = all.filter(({ name }) => role.inherits.includes(name));
  return [...role.permissions.map(permissionText), ...inherited.flatMap((one) => patternsOf(one, all, seen))];
}
