import { type LucideIcon, Plus } from "lucide-react";
import { text } from "../text.ts";
import { places } from "./places.ts";

export interface Command {
  readonly name: string;
  readonly path: string;
  readonly icon: LucideIcon;
}

/** Pages, and the dialogs that an address opens by itself. */
export const commands: readonly Command[] = [
  ...places.flatMap(({ name, path, icon }) => (name && icon ? [{ name, path, icon }] : [])),
  { name: text.keys.add, path: "/keys?new=1", icon: Plus },
  { name: text.users.add, path: "/users?new=1", icon: Plus },
  { name: text.roles.add, path: "/roles?new=1", icon: Plus },
];
