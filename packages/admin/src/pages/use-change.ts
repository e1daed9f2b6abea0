import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { createConnectQueryKey, useMutation, useTransport } from "@connectrpc/connect-query";
import { type QueryKey, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { fieldErrors } from "../api/errors.ts";
import { requestIdOf } from "../api/transport.ts";
import { focusFirstWrong } from "../ui/focus-wrong.ts";
import { tell, tellError } from "../ui/toasts.tsx";

export interface ChangeOptions<O> {
  /** What is said of a success. */
  readonly said: string | ((response: O) => string);
  /** After a success: what was open closes. */
  readonly onDone?: (response: O) => void;
  /** A form shows which of its fields are wrong, by `wrong`: nothing is said of them besides. */
  readonly inForm?: boolean;
  /** Only for what is as easily taken back. */
  readonly foreseen?: Foreseen;
}

/** What an answer on the page is like when the change is made: shown at once, and taken back where the change is refused. */
export interface Foreseen {
  readonly method: DescMethodUnary;
  readonly request: object;
  readonly answer: (before: never) => unknown;
}

export function foreseen<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  request: MessageInitShape<I>,
  answer: (before: MessageShape<O>) => MessageShape<O>,
): Foreseen {
  return { method, request, answer };
}

const namesFields = (error: unknown): boolean => Object.keys(fieldErrors(error)).length > 0;

/** A change by an RPC: success is said and everything shown is read anew; so is said what failed. Both by which request. */
export function useChange<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  { said, onDone, inForm = false, foreseen }: ChangeOptions<MessageShape<O>>,
) {
  const queries = useQueryClient();
  const transport = useTransport();
  const key: QueryKey | undefined =
    foreseen &&
    createConnectQueryKey({
      ...{ schema: foreseen.method, transport, cardinality: "finite" },
      input: foreseen.request as MessageInitShape<DescMessage>,
    });
  const { mutate, isPending, error } = useMutation(method, {
    onMutate: async () => {
      if (foreseen === undefined || key === undefined) return undefined;
      await queries.cancelQueries({ queryKey: key });
      const before = queries.getQueryData(key);
      if (before !== undefined) queries.setQueryData(key, foreseen.answer(before as never));
      return before;
    },
    onSuccess: (response: MessageShape<O>) => {
      tell(typeof said === "string" ? said : said(response), requestIdOf(response));
      onDone?.(response);
      void queries.invalidateQueries();
    },
    onError: (failure, _request, before) => {
      if (key !== undefined && before !== undefined) queries.setQueryData(key, before);
      if (!inForm || !namesFields(failure)) tellError(failure);
    },
  });
  useEffect(() => {
    if (inForm && error !== null && namesFields(error)) focusFirstWrong();
  }, [inForm, error]);
  return {
    run: (request: MessageInitShape<I>) => mutate(request),
    busy: isPending,
    wrong: error === null ? {} : fieldErrors(error),
  };
}
