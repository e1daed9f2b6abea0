import type { Page } from "playwright-core";

/**
 * What of a page nobody gets to see, in a line each: text and controls beside the screen, or beyond the edge of something that hides what
 * does not fit. What scrolls by itself may hold more than it shows, and so may what says with an ellipsis that there is more.
 */
export async function cutOff(page: Page): Promise<readonly string[]> {
  return (await page.evaluate(`(${inPage.toString()})()`)) as readonly string[];
}

// Runs in the page.
function inPage(): readonly string[] {
  const { document, innerWidth, getComputedStyle } = globalThis as unknown as BrowserWindow;
  const found: string[] = [];
  const wider = document.documentElement.scrollWidth - innerWidth;
  if (wider > 0) found.push(`the page is ${wider} pixels wider than the screen`);
  for (const element of document.querySelectorAll(
    "button,a,input,select,textarea,p,h1,h2,h3,dt,dd,td,th,label,code,li",
  )) {
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    if (box.width <= 1 || box.height <= 1 || style.visibility === "hidden") continue;
    let edge = { left: 0, right: innerWidth };
    let scrolls = false;
    for (let holder = element.parentElement; holder !== null; holder = holder.parentElement) {
      const { overflowX, textOverflow, position } = getComputedStyle(holder);
      if (overflowX === "auto" || overflowX === "scroll" || textOverflow === "ellipsis") scrolls = true;
      if (scrolls) break;
      const { left, right } = holder.getBoundingClientRect();
      if (overflowX === "hidden" || overflowX === "clip")
        edge = { left: Math.max(edge.left, left), right: Math.min(edge.right, right) };
      if (position === "fixed") break;
    }
    if (scrolls || (box.left >= edge.left - 1 && box.right <= edge.right + 1)) continue;
    found.push(`${element.tagName} ${(element.textContent ?? "").slice(0, 60)}: ${box.left} to ${box.right}`);
  }
  return found;
}

interface BrowserElement {
  readonly tagName: string;
  readonly textContent: string | null;
  readonly parentElement: BrowserElement | null;
  getBoundingClientRect(): { left: number; right: number; width: number; height: number };
}

interface BrowserWindow {
  readonly document: {
    readonly documentElement: { readonly scrollWidth: number };
    querySelectorAll(selector: string): Iterable<BrowserElement>;
  };
  readonly innerWidth: number;
  getComputedStyle(
    element: BrowserElement,
  ): Readonly<Record<"overflowX" | "textOverflow" | "position" | "visibility", string>>;
}
