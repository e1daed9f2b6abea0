import { useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";

const key = "countersign:theme";

export function keptTheme(): Theme {
  const kept = localStorage.getItem(key);
  return kept === "light" || kept === "dark" ? kept : "system";
}

/** The system's own, unless another was chosen. */
export function applyTheme(theme: Theme = keptTheme()): void {
  if (theme === "system") {
    delete document.documentElement.dataset["theme"];
    localStorage.removeItem(key);
  } else {
    document.documentElement.dataset["theme"] = theme;
    localStorage.setItem(key, theme);
  }
}

const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

function watch(changed: () => void): () => void {
  const chosen = new MutationObserver(changed);
  chosen.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  systemIsDark.addEventListener("change", changed);
  return () => {
    chosen.disconnect();
    systemIsDark.removeEventListener("change", changed);
  };
}

/** Which colours are shown now, for what draws with them itself: all else follows by its style. */
export function useColors(): "light" | "dark" {
  return useSyncExternalStore(watch, () => {
    const chosen = document.documentElement.dataset["theme"];
    return (chosen ?? (systemIsDark.matches ? "dark" : "light")) === "dark" ? "dark" : "light";
  });
}
