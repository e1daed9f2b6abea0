import { useState } from "react";

/** A preference of this browser: which columns, which theme. Nothing that is secret is ever put there. */
export function useKept<T>(name: string, initial: T): [T, (value: T) => void] {
  const key = `countersign:${name}`;
  const [value, setValue] = useState<T>(() => read(key) ?? initial);
  return [
    value,
    (next) => {
      setValue(next);
      try {
        localStorage.setItem(key, JSON.stringify(next));
      } catch {
        // A browser that keeps nothing forgets the preference.
      }
    },
  ];
}

function read<T>(key: string): T | undefined {
  try {
    const kept = localStorage.getItem(key);
    return kept === null ? undefined : (JSON.parse(kept) as T);
  } catch {
    return undefined;
  }
}
