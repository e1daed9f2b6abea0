import { create, toJson } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Radio } from "lucide-react";
import { useId, useMemo } from "react";
import { RequestFilterSchema } from "../api/protos.ts";
import { text } from "../text.ts";
import { Button } from "../ui/button.tsx";
import { ExportButton } from "../ui/export-button.tsx";
import { TextInput } from "../ui/field.tsx";
import { Narrow } from "../ui/narrow.tsx";
import { Page } from "../ui/page.tsx";
import { SearchBox } from "../ui/search-box.tsx";
import { Select } from "../ui/select.tsx";
import { useFilter } from "../ui/use-filter.ts";
import { KeyFinder, UserFinder } from "./finders.tsx";
import { type Filter, RequestTable } from "./request-table.tsx";
import { useTail } from "./use-tail.ts";

const reasons = [
  ...[
    "CREDENTIALS_MISSING",
    "CREDENTIALS_MALFORMED",
    "CREDENTIALS_AMBIGUOUS",
    "TOKEN_INVALID",
    "TOKEN_EXPIRED",
  ],
  ...[
    "TOKEN_REVOKED",
    "API_KEY_INVALID",
    "API_KEY_EXPIRED",
    "API_KEY_REVOKED",
    "API_KEY_DISABLED",
    "USER_DISABLED",
  ],
  ...["LOGIN_FAILED", "MFA_REQUIRED", "PERMISSION_DENIED", "RATE_LIMITED", "QUOTA_EXCEEDED", "UNAVAILABLE"],
];

/** Filters that combine and live in the address. */
export function Logs() {
  const [search, setSearch] = useFilter("q");
  const [userId, setUserId] = useFilter("user");
  const [apiKeyId, setApiKeyId] = useFilter("key");
  const [status, setStatus] = useFilter("status");
  const [reason, setReason] = useFilter("reason");
  const [procedure, setProcedure] = useFilter("method");
  const [since, setSince] = useFilter("since");
  const [until, setUntil] = useFilter("until");
  const [watching, setWatching] = useFilter("live");
  const live = watching !== "";
  const filter = useMemo(
    (): Filter => ({
      ...{ text: search, userId, apiKeyId, status, reason, procedure },
      ...within("since", since),
      ...within("until", until),
    }),
    [search, userId, apiKeyId, status, reason, procedure, since, until],
  );
  const fresh = useTail(filter, live, () => setWatching(""));
  return (
    <Page
      title={text.logs.title}
      description={text.logs.description}
      actions={
        <>
          <Button
            aria-pressed={live}
            look={live ? "primary" : "plain"}
            onClick={() => setWatching(live ? "" : "1")}
          >
            <Radio size={16} aria-hidden="true" />
            {text.logs.live}
          </Button>
          <ExportButton
            list="requests"
            filter={() => toJson(RequestFilterSchema, create(RequestFilterSchema, filter))}
          />
        </>
      }
    >
      <RequestTable
        title={text.logs.title}
        filter={filter}
        fresh={fresh}
        filtered={[search, userId, apiKeyId, status, reason, procedure, since, until].some(
          (one) => one !== "",
        )}
        toolbar={
          <>
            <SearchBox label={text.logs.search} value={search} onSearch={setSearch} />
            <Select
              label={text.logs.status}
              className="max-sm:w-[calc(50%-4px)]"
              value={status}
              onChoose={setStatus}
              choices={[
                { value: "", label: text.logs.anyStatus },
                { value: "success", label: text.logs.success },
                { value: "error", label: text.logs.error },
              ]}
            />
            <Select
              label={text.logs.reason}
              className="w-36 max-sm:w-[calc(50%-4px)]"
              value={reason}
              onChoose={setReason}
              choices={[
                { value: "", label: text.logs.anyReason },
                ...reasons.map((value) => ({ value, label: value })),
              ]}
            />
            <UserFinder label={text.logs.user} value={userId} onChange={setUserId} />
            <KeyFinder label={text.logs.key} value={apiKeyId} onChange={setApiKeyId} />
            <Narrow wide label={text.logs.procedure} value={procedure} onChange={setProcedure} />
            <Moment label={text.logs.since} value={since} onChange={setSince} />
            <Moment label={text.logs.until} value={until} onChange={setUntil} />
          </>
        }
      />
    </Page>
  );
}

/** One end of the range; none where an address says what is no time. */
function within(end: "since" | "until", time: string) {
  const date = new Date(time);
  return time === "" || Number.isNaN(date.getTime()) ? {} : { [end]: timestampFromDate(date) };
}

interface Part {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

/** An instant of the address, in which it means the same to everybody, as the field wants it: in the viewer's zone, to the minute. */
function localTime(instant: string): string {
  const date = new Date(instant);
  if (instant === "" || Number.isNaN(date.getTime())) return "";
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function Moment({ label, value, onChange }: Part) {
  const id = useId();
  return (
    <span className="flex items-center gap-1.5 text-[13px] text-soft max-sm:w-full">
      <label htmlFor={id} className="max-sm:w-10">
        {label}
      </label>
      <TextInput
        id={id}
        type="datetime-local"
        // A year of four digits.
        max="9999-12-31T23:59"
        value={localTime(value)}
        onChange={({ currentTarget: { value: chosen } }) =>
          onChange(chosen === "" ? "" : new Date(chosen).toISOString())
        }
        className="w-auto min-w-0 max-sm:grow"
      />
    </span>
  );
}
