import {
  History,
  KeyRound,
  LayoutDashboard,
  ListFilter,
  type LucideIcon,
  MonitorSmartphone,
  Play,
  ScrollText,
  Settings,
  ShieldCheck,
  Signature,
  Users,
} from "lucide-react";
import type { ComponentType } from "react";
import { text } from "../text.ts";

export interface Place {
  readonly path: string;
  readonly load: () => Promise<{ default: ComponentType }>;
  /** Its line in the navigation; undefined for a page that another one leads to. */
  readonly name?: string;
  readonly icon?: LucideIcon;
  readonly group?: keyof typeof text.groups;
}

const page =
  <N extends string>(load: () => Promise<Record<N, ComponentType>>, name: N) =>
  async (): Promise<{ default: ComponentType }> => ({ default: (await load())[name] });

/** Every page of the UI. Each is loaded when it is first shown. */
export const places: readonly Place[] = [
  {
    path: "/",
    name: text.overview.title,
    icon: LayoutDashboard,
    group: "overview",
    load: page(() => import("../pages/overview.tsx"), "Overview"),
  },
  {
    path: "/keys",
    name: text.keys.title,
    icon: KeyRound,
    group: "grpc",
    load: page(() => import("../pages/keys.tsx"), "Keys"),
  },
  { path: "/keys/:id", load: page(() => import("../pages/key.tsx"), "KeyPage") },
  {
    path: "/logs",
    name: text.logs.title,
    icon: ListFilter,
    group: "grpc",
    load: page(() => import("../pages/logs.tsx"), "Logs"),
  },
  {
    path: "/users",
    name: text.users.title,
    icon: Users,
    group: "access",
    load: page(() => import("../pages/users.tsx"), "Users"),
  },
  { path: "/users/:id", load: page(() => import("../pages/user.tsx"), "UserPage") },
  {
    path: "/roles",
    name: text.roles.title,
    icon: ShieldCheck,
    group: "access",
    load: page(() => import("../pages/roles.tsx"), "Roles"),
  },
  {
    path: "/sessions",
    name: text.sessions.title,
    icon: MonitorSmartphone,
    group: "access",
    load: page(() => import("../pages/sessions.tsx"), "Sessions"),
  },
  {
    path: "/audit",
    name: text.audit.title,
    icon: History,
    group: "system",
    load: page(() => import("../pages/audit.tsx"), "Audit"),
  },
  {
    path: "/policies",
    name: text.policies.title,
    icon: ScrollText,
    group: "system",
    load: page(() => import("../pages/policies.tsx"), "Policies"),
  },
  {
    path: "/signing-keys",
    name: text.signingKeys.title,
    icon: Signature,
    group: "system",
    load: page(() => import("../pages/signing-keys.tsx"), "SigningKeys"),
  },
  {
    path: "/configuration",
    name: text.configuration.title,
    icon: Settings,
    group: "system",
    load: page(() => import("../pages/configuration.tsx"), "Configuration"),
  },
  {
    path: "/try",
    name: text.tryIt.title,
    icon: Play,
    group: "grpc",
    load: page(() => import("../pages/try-it.tsx"), "TryIt"),
  },
];
