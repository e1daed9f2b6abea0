import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { useInfiniteQuery } from "@connectrpc/connect-query";

interface Paged {
  readonly nextPageToken: string;
}

/** A list that comes a page at a time: what was read so far, and the way to more. */
export function usePages<
  I extends DescMessage & { field: Record<"pageToken", unknown> },
  O extends DescMessage,
  T,
>(
  method: DescMethodUnary<I, O>,
  request: MessageInitShape<I>,
  rowsOf: (response: MessageShape<O>) => readonly T[],
) {
  const query = useInfiniteQuery(method, { ...request, pageToken: "" } as never, {
    pageParamKey: "pageToken" as never,
    // What another filter or order has found stays until there is something else: nothing jumps, and the focus stays.
    placeholderData: ((before: unknown) => before) as never,
    getNextPageParam: ((last: Paged) => last.nextPageToken || undefined) as never,
  });
  return {
    rows: query.data?.pages.flatMap((page) => rowsOf(page as MessageShape<O>)),
    error: query.data === undefined ? query.error : null,
    outdated: query.isPlaceholderData,
    onRetry: () => void query.refetch(),
    more: {
      has: query.hasNextPage,
      busy: query.isFetchingNextPage,
      load: () => void query.fetchNextPage(),
    },
  };
}
