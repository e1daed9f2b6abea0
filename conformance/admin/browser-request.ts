import { request } from "node:http";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  json(): Record<string, unknown>;
}

export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** A request as a browser, or whoever pretends to be one, sends it: every header can be written, those of browsers too. */
export function ask(address: string, path: string, { method, headers, body }: Asked = {}): Promise<Answer> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const sent = request(`http://${address}`, {
      path,
      method: method ?? (text === undefined ? "GET" : "POST"),
      headers: { ...(text !== undefined && { "content-type": "application/json" }), ...headers },
    });
    sent.once("error", reject);
    sent.once("response", (response) => {
      let received = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (received += chunk));
      response.once("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: received,
          json: () => JSON.parse(received) as Record<string, unknown>,
        }),
      );
    });
    sent.end(text);
  });
}

/** What a page of this origin adds to each request. */
export const ownPage = { "sec-fetch-site": "same-origin" };

/** A login as the page does it: the cookie, and the token that belongs to it. */
export async function logInAs(
  address: string,
  { username, password }: { readonly username: string; readonly password: string },
): Promise<{ readonly cookie: string; readonly csrf: string }> {
  const answer = await ask(address, "/admin/session", { headers: ownPage, body: { username, password } });
  if (answer.status !== 200) throw new Error(`login of ${username}: ${answer.status} ${answer.body}`);
  return { cookie: cookieOf(answer), csrf: String(answer.json()["csrf_token"]) };
}

/** The cookie that an answer sets, as a browser sends it back. */
export function cookieOf({ headers }: Answer): string {
  return headers["set-cookie"]?.[0]?.split(";", 1)[0] ?? "";
}
