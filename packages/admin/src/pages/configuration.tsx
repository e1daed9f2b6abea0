import { useQuery } from "@connectrpc/connect-query";
import { SystemService } from "../api/protos.ts";
import { text } from "../text.ts";
import { CopyButton } from "../ui/copy.tsx";
import { Fact, Facts, Failed, Loading, Page, Panel } from "../ui/page.tsx";

/** What this node was started with. Secrets are told of, and not told. */
export function Configuration() {
  const query = useQuery(SystemService.method.getConfiguration, {});
  const { data } = query;
  return (
    <Page title={text.configuration.title} description={text.configuration.description}>
      {query.error && !data && <Failed error={query.error} onRetry={() => void query.refetch()} />}
      {query.isPending && <Loading lines={12} />}
      {data && (
        <>
          <Panel title={text.configuration.node}>
            <Facts>
              <Fact name={text.configuration.environment}>{data.environment}</Fact>
              <Fact name={text.configuration.source}>{data.source || text.configuration.noFile}</Fact>
              <Fact name={text.configuration.database}>{data.database}</Fact>
              <Fact name={text.configuration.runtime}>Node {data.runtime}</Fact>
              <Fact name={text.configuration.uptime}>{text.configuration.upFor(Number(data.uptime))}</Fact>
            </Facts>
          </Panel>
          <Panel title={text.configuration.file} actions={<CopyButton value={data.configuration} />}>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard */}
            <pre className="overflow-x-auto font-mono text-[13px] leading-relaxed" tabIndex={0}>
              {data.configuration}
            </pre>
          </Panel>
        </>
      )}
    </Page>
  );
}
