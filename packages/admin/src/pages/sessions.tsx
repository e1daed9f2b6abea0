import { AuthService } from "../api/protos.ts";
import { text } from "../text.ts";
import { Button } from "../ui/button.tsx";
import { Confirm } from "../ui/confirm.tsx";
import { Page } from "../ui/page.tsx";
import { useFilter } from "../ui/use-filter.ts";
import { SessionTable } from "./session-table.tsx";
import { useChange } from "./use-change.ts";

/** Where one is logged in oneself. Another user's sessions are on that user's page. */
export function Sessions() {
  const [ending, setEnding] = useFilter("end");
  const [asked, setAsked] = [ending !== "", (on: boolean) => setEnding(on ? "1" : "")];
  const all = useChange(AuthService.method.logoutAll, {
    said: text.sessions.endedToast,
    onDone: () => window.location.reload(),
  });
  return (
    <Page
      title={text.sessions.title}
      description={text.sessions.description}
      actions={<Button onClick={() => setAsked(true)}>{text.sessions.endAll}</Button>}
    >
      <SessionTable />
      <Confirm
        open={asked}
        onClose={() => setAsked(false)}
        title={text.sessions.endAllTitle}
        action={text.sessions.endAll}
        busy={all.busy}
        onConfirm={() => all.run({})}
      >
        {text.sessions.endAllText}
      </Confirm>
    </Page>
  );
}
