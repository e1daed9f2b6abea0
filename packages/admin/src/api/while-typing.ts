/** Of a search while somebody types: what was found before stays until there is something else. */
export const whileTyping = { staleTime: 30_000, placeholderData: <T>(before: T) => before } as const;
