import { Menu } from "@base-ui/react/menu";
import { ChevronsUpDown, LogOut, Monitor, Moon, Sun } from "lucide-react";
import { useState } from "react";
import { useMe } from "../api/rights.ts";
import { logOut } from "../api/session.ts";
import { text } from "../text.ts";
import { applyTheme, keptTheme, type Theme } from "../ui/theme.ts";
import { tellError } from "../ui/toasts.tsx";

const themes = [
  ["system", Monitor],
  ["light", Sun],
  ["dark", Moon],
] as const;

const item = "flex cursor-pointer items-center gap-2 rounded px-2 py-1.5 data-[highlighted]:bg-hover";

/** Who is logged in, how the page looks, and the way out. */
export function AccountMenu({ onLeft }: { onLeft: () => void }) {
  const { user, roles } = useMe();
  const [theme, setTheme] = useState<Theme>(keptTheme);
  const rank = user?.isSuperuser ? text.users.superuser : roles.join(", ") || text.users.staff;
  return (
    <Menu.Root>
      <Menu.Trigger className="mt-3 flex w-full cursor-pointer items-center gap-2.5 rounded-[7px] border border-line px-2.5 py-2 text-left hover:bg-hover">
        <span
          aria-hidden="true"
          className="flex size-7 shrink-0 items-center justify-center rounded-full bg-accent-soft text-xs font-semibold uppercase text-accent"
        >
          {user?.username.slice(0, 2)}
        </span>
        <span className="min-w-0 grow">
          <span className="block truncate font-medium">{user?.username}</span>
          <span className="block truncate text-xs text-soft">{rank}</span>
        </span>
        <ChevronsUpDown size={14} className="text-faint" aria-hidden="true" />
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner side="top" align="start" sideOffset={6} className="z-50">
          <Menu.Popup className="w-52 rounded-lg border border-line bg-raised p-1 shadow-popup">
            <Menu.RadioGroup
              value={theme}
              onValueChange={(value: Theme) => {
                applyTheme(value);
                setTheme(value);
              }}
            >
              {themes.map(([name, Icon]) => (
                <Menu.RadioItem key={name} value={name} closeOnClick={false} className={item}>
                  <Icon size={15} aria-hidden="true" />
                  <span className="grow">{text.shell.themes[name]}</span>
                  <Menu.RadioItemIndicator className="size-1.5 rounded-full bg-accent" />
                </Menu.RadioItem>
              ))}
            </Menu.RadioGroup>
            <Menu.Separator className="my-1 h-px bg-line" />
            <Menu.Item className={item} onClick={() => void logOut().then(onLeft, tellError)}>
              <LogOut size={15} aria-hidden="true" />
              {text.shell.logOut}
            </Menu.Item>
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}
