import { useQuery, useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useRef } from "react";
import { Route, Switch, useLocation } from "wouter";
import { readSession } from "./api/session.ts";
import { whenSessionEnds } from "./api/transport.ts";
import { Login } from "./pages/login.tsx";
import { places } from "./shell/places.ts";
import { Shell } from "./shell/shell.tsx";
import { text } from "./text.ts";
import { Empty, Failed, Loading, Page } from "./ui/page.tsx";
import { PageGuard } from "./ui/page-guard.tsx";

const pages = places.map(({ path, load }) => ({ path, Page: lazy(load) }));

/** The login, or everything behind it. */
export function App() {
  const queries = useQueryClient();
  const [place] = useLocation();
  const session = useQuery({
    queryKey: ["session"],
    queryFn: async () => (await readSession()) ?? null,
    retry: 1,
  });
  useEffect(
    () => whenSessionEnds(() => void queries.invalidateQueries({ queryKey: ["session"] })),
    [queries],
  );
  const token = session.data?.csrfToken;
  const tokenBefore = useRef(token);
  useEffect(() => {
    // Another session may be another user's: what was read in the one before is none of theirs.
    const isAnother =
      token !== undefined && tokenBefore.current !== undefined && token !== tokenBefore.current;
    tokenBefore.current = token;
    if (isAnother) void queries.resetQueries({ predicate: ({ queryKey }) => queryKey[0] !== "session" });
  }, [queries, token]);
  if (session.isPending) return null;
  if (session.error && session.data === undefined)
    return <Failed error={session.error} onRetry={() => void session.refetch()} />;
  if (!session.data) return <Login onDone={() => void queries.resetQueries()} />;
  return (
    <Shell environment={session.data.environment} onLeft={() => queries.setQueryData(["session"], null)}>
      <PageGuard place={place}>
        <Suspense fallback={<Loading />}>
          <Switch>
            {pages.map(({ path, Page }) => (
              <Route key={path} path={path} component={Page} />
            ))}
            <Route>
              <Page title={text.notFound.title}>
                <Empty title={text.notFound.title}>{text.notFound.hint}</Empty>
              </Page>
            </Route>
          </Switch>
        </Suspense>
      </PageGuard>
    </Shell>
  );
}
