/** To the first field of an open dialog that is wrong, once the page says so: also where it is folded away. */
export function focusFirstWrong(): void {
  requestAnimationFrame(() => {
    const field = document.querySelector<HTMLElement>('[role=dialog] [aria-invalid="true"]');
    field?.closest("details")?.setAttribute("open", "");
    field?.focus();
  });
}
