import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { useMutation } from "@connectrpc/connect-query";
import { useQueryClient } from "@tanstack/react-query";
import { fieldErrors } from "../api/errors.ts";
import { tell, tellError } from "../ui/toasts.tsx";

export interface ChangeOptions<O> {
  /** What is said of a success. */
  readonly said?: string | ((response: O) => string);
  /** After a success: what was open closes. */
  readonly onDone?: (response: O) => void;
  /** A form shows which of its fields are wrong, by `wrong`: nothing is said of them besides. */
  readonly inForm?: boolean;
}

/** A change by an RPC: success is said and everything shown is read anew; so is said what failed, and by which request. */
export function useChange<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  { said, onDone, inForm = false }: ChangeOptions<MessageShape<O>> = {},
) {
  const queries = useQueryClient();
  const { mutate, isPending, error } = useMutation(method, {
    onSuccess: (response: MessageShape<O>) => {
      if (said !== undefined) tell(typeof said === "string" ? said : said(response));
      onDone?.(response);
      void queries.invalidateQueries();
    },
    onError: (failure) => {
      if (!inForm || Object.keys(fieldErrors(failure)).length === 0) tellError(failure);
    },
  });
  return {
    run: (request: MessageInitShape<I>) => mutate(request),
    busy: isPending,
    wrong: error === null ? {} : fieldErrors(error),
  };
}
