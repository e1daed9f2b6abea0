import { Menu as MenuIcon, X } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { Link, useLocation, useRoute } from "wouter";
import { text } from "../text.ts";
import { Badge } from "../ui/badge.tsx";
import { Button } from "../ui/button.tsx";
import { AccountMenu } from "./account-menu.tsx";
import { CommandPalette } from "./command-palette.tsx";
import { type Place, places } from "./places.ts";

/** The frame around every page: where one is, where one can go, and who one is. */
export function Shell({
  environment,
  onLeft,
  children,
}: {
  environment: string;
  onLeft: () => void;
  children: ReactNode;
}) {
  const [open, setOpen] = useState(false);
  const [place] = useLocation();
  const content = useRef<HTMLElement>(null);
  const placeBefore = useRef(place);
  useEffect(() => {
    if (place === placeBefore.current) return;
    placeBefore.current = place;
    setOpen(false);
    // What was followed may be gone: the keyboard goes on where the page begins, and not above the navigation.
    const active = document.activeElement;
    if (active === document.body || content.current?.contains(active))
      content.current?.focus({ preventScroll: true });
  }, [place]);
  return (
    <div className="min-h-dvh lg:grid lg:grid-cols-[232px_1fr]">
      <a
        href="#content"
        className="sr-only focus:not-sr-only focus:fixed focus:left-3 focus:top-3 focus:z-50 focus:rounded-md focus:bg-raised focus:px-3 focus:py-2"
      >
        {text.shell.skip}
      </a>
      <aside className="border-line bg-panel lg:sticky lg:top-0 lg:flex lg:h-dvh lg:flex-col lg:border-r max-lg:border-b">
        <div className="flex h-14 items-center justify-between gap-2 px-4">
          <Link href="/" className="flex items-center gap-2 text-[15px] font-semibold tracking-tight">
            <Mark />
            Countersign
            {environment === "development" && <Badge tone="warn">{text.shell.dev}</Badge>}
          </Link>
          <Button
            look="ghost"
            size="icon"
            className="lg:hidden"
            aria-expanded={open}
            aria-controls="navigation"
            aria-label={open ? text.common.close : text.shell.open}
            onClick={() => setOpen(!open)}
          >
            {open ? <X size={18} aria-hidden="true" /> : <MenuIcon size={18} aria-hidden="true" />}
          </Button>
        </div>
        <div
          id="navigation"
          className={`grow flex-col overflow-y-auto px-3 pb-3 lg:flex ${open ? "flex" : "hidden"}`}
        >
          <CommandPalette onLeft={onLeft} />
          <nav aria-label={text.shell.navigation} className="mt-3 flex grow flex-col gap-4">
            {Object.entries(text.groups).map(([group, name]) => (
              <Group
                key={group}
                name={name}
                places={places.filter((place) => place.group === group && place.name)}
              />
            ))}
          </nav>
          <AccountMenu onLeft={onLeft} />
        </div>
      </aside>
      <main ref={content} id="content" tabIndex={-1} className="min-w-0 outline-none">
        {children}
      </main>
    </div>
  );
}

function Group({ name, places: shown }: { name: string; places: readonly Place[] }) {
  if (shown.length === 0) return null;
  return (
    <div>
      {name && <p className="px-2 pb-1 text-xs font-medium text-faint">{name}</p>}
      <ul className="flex flex-col gap-0.5">
        {shown.map((place) => (
          <Line key={place.path} place={place} />
        ))}
      </ul>
    </div>
  );
}

function Line({ place: { path, name, icon: Icon } }: { place: Place }) {
  const [exact] = useRoute(path);
  const [below] = useRoute(`${path}/*`);
  const here = exact || (path !== "/" && below);
  return (
    <li>
      <Link
        href={path}
        aria-current={here ? "page" : undefined}
        className={`flex items-center gap-2.5 rounded-[7px] px-2 py-1.5 font-medium ${here ? "bg-accent-soft text-accent" : "text-soft hover:bg-hover hover:text-ink"}`}
      >
        {Icon && <Icon size={16} aria-hidden="true" />}
        {name}
      </Link>
    </li>
  );
}

export function Mark({ size = 22 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <path className="fill-accent" d="M16 2 4 6.5V15c0 7.4 5 12.700 12 15 7-2.300 12-7.600 12-15V6.500z" />
      <path
        className="stroke-on-accent"
        fill="none"
        strokeWidth="3"
        strokeLinecap="round"
        strokeLinejoin="round"
        d="m10.500 16 4 4 7.500-8.500"
      />
    </svg>
  );
}
