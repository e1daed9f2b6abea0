import {
  CircleX,
  KeyRound,
  LogOut,
  type LucideIcon,
  Monitor,
  Moon,
  Plus,
  Radio,
  RefreshCw,
  ShieldCheck,
  Sun,
  User,
} from "lucide-react";
import { logOut } from "../api/session.ts";
import { text } from "../text.ts";
import { applyTheme } from "../ui/theme.ts";
import { tellError } from "../ui/toasts.tsx";
import { places } from "./places.ts";

export interface Command {
  readonly name: string;
  readonly icon: LucideIcon;
  /** Where it leads to: a page, and what an address opens by itself. */
  readonly path?: string;
  /** What it does where it is. `onLeft`: there is no session any more. */
  readonly run?: (onLeft: () => void) => void;
  /** The permission without which it is not offered. */
  readonly needs?: string;
  /** What tells it from another of the same name. */
  readonly note?: string;
}

/** Pages, beginnings of tasks, and what concerns the whole UI. */
export const commands: readonly Command[] = [
  ...places.flatMap(({ name, path, icon }) => (name && icon ? [{ name, path, icon }] : [])),
  { name: text.keys.add, path: "/keys?new=1", icon: Plus, needs: "auth.keys:write" },
  { name: text.users.add, path: "/users?new=1", icon: Plus, needs: "auth.users:write" },
  { name: text.roles.add, path: "/roles?new=1", icon: Plus, needs: "auth.roles:write" },
  { name: text.commands.tail, path: "/logs?live=1", icon: Radio, needs: "auth.logs:read" },
  { name: text.commands.refused, path: "/logs?status=error", icon: CircleX, needs: "auth.logs:read" },
  { name: text.commands.verify, path: "/audit?verify=1", icon: ShieldCheck, needs: "auth.audit:read" },
  {
    name: text.commands.rotate,
    path: "/signing-keys?rotate=1",
    icon: RefreshCw,
    needs: "auth.signing_keys:write",
  },
  { name: text.sessions.endAll, path: "/sessions?end=1", icon: CircleX },
  { name: text.commands.light, run: () => applyTheme("light"), icon: Sun },
  { name: text.commands.dark, run: () => applyTheme("dark"), icon: Moon },
  { name: text.commands.system, run: () => applyTheme("system"), icon: Monitor },
  { name: text.shell.logOut, run: (onLeft) => void logOut().then(onLeft, tellError), icon: LogOut },
];

/** The way to one key, or to one user. */
export const keyCommand = (id: string, name: string, owner: string): Command => ({
  ...{ name, path: `/keys/${id}`, icon: KeyRound },
  note: text.commands.keyOf(owner),
});
export const userCommand = (id: bigint, name: string): Command => ({
  ...{ name, path: `/users/${id}`, icon: User },
  note: text.users.one,
});
