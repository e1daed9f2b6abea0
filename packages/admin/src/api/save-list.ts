import { Code, ConnectError } from "@connectrpc/connect";
import { currentCsrfToken } from "./session.ts";

/** Asks for a list as a file, and hands its address to the browser's downloads. Throws what the server said against it. */
export async function saveList(list: string, filter: unknown): Promise<void> {
  const answer = await fetch(`/admin/export/${list}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrf-token": currentCsrfToken() },
    body: JSON.stringify(filter),
  });
  const said = (await answer.json().catch(() => ({}))) as Record<string, unknown>;
  if (!answer.ok) throw new ConnectError(String(said["message"] ?? answer.statusText), codeOf(answer.status));
  const link = document.createElement("a");
  link.href = String(said["path"]);
  link.download = "";
  link.click();
}

function codeOf(status: number): Code {
  const known: Readonly<Record<number, Code>> = {
    400: Code.InvalidArgument,
    401: Code.Unauthenticated,
    403: Code.PermissionDenied,
    429: Code.ResourceExhausted,
    503: Code.Unavailable,
  };
  return known[status] ?? Code.Unknown;
}
