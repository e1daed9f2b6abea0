import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

/** Debian's Chromium, which `npm test` sees to; as root it has no sandbox of its own. */
const settings = {
  executablePath: "/usr/bin/chromium",
  args: [
    ...[
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
    ],
    ...["--disable-component-update", "--disable-sync"],
  ],
};

export function startBrowser(): Promise<Browser> {
  return chromium.launch(settings);
}

export interface Visit {
  readonly context: BrowserContext;
  readonly page: Page;
  /** What the browser complained about: errors of the console, of scripts and of the page's policy. */
  readonly complaints: readonly string[];
  /** Requests that would have left this machine, or gone to another server on it. */
  readonly strayed: readonly string[];
}

export interface VisitOptions {
  readonly origin: string;
  readonly scheme?: "light" | "dark";
  readonly width?: number;
  readonly height?: number;
  /** Pixels of the screen for one of the page: 2 is 200 %. */
  readonly scale?: number;
}

/** A browser of somebody's own: no cookie and no preference of another one. */
export async function visit(browser: Browser, options: VisitOptions): Promise<Visit> {
  const { origin, scheme = "light", width = 1280, height = 860, scale = 1 } = options;
  const context = await browser.newContext({
    baseURL: origin,
    colorScheme: scheme,
    viewport: { width, height },
    deviceScaleFactor: scale,
    // Nothing moves in a picture, and nothing has to be waited for.
    reducedMotion: "reduce",
    timezoneId: "UTC",
    locale: "en-GB",
  });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  const strayed: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    if (!request.url().startsWith(`${origin}/`)) strayed.push(request.url());
  });
  return { context, page, complaints, strayed };
}

export interface Account {
  readonly username: string;
  readonly password: string;
}

/** Logs in by the form, as a person does. */
export async function enter(page: Page, { username, password }: Account): Promise<void> {
  await page.goto("/admin/");
  await page.getByLabel("Username or email").fill(username);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.locator("#content").waitFor();
}
