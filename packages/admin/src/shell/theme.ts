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
