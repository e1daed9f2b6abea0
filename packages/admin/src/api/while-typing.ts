import { useEffect, useState } from "react";

/** Of a search while somebody types: what was found before stays until there is something else. */
export const whileTyping = { staleTime: 30_000, placeholderData: <T>(before: T) => before } as const;

/** A text that is typed, once nobody has typed for a moment. */
export function useSettled(typed: string): string {
  const [settled, setSettled] = useState(typed);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(typed), 150);
    return () => clearTimeout(timer);
  }, [typed]);
  return settled;
}
