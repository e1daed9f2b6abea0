/** To the first field of an open dialog that is wrong, also where it is folded away. For effects: by then the page says what is wrong. */
export function focusFirstWrong(): void {
  const field = document.querySelector<HTMLElement>('[role=dialog] [aria-invalid="true"]');
  field?.closest("details")?.setAttribute("open", "");
  field?.focus();
}
