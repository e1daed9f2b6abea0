import { Menu } from "@base-ui/react/menu";
import {
  type ColumnDef,
  columnVisibilityFeature,
  type RowData,
  type RowSelectionState,
  rowSelectionFeature,
  tableFeatures,
  useTable,
} from "@tanstack/react-table";
import { Check, Columns3 } from "lucide-react";
import type { KeyboardEvent, ReactNode } from "react";
import { text } from "../text.ts";
import { Button, buttonClass } from "./button.tsx";
import { Failed, Loading } from "./page.tsx";
import { directionOf, SortHeader, type Sorting } from "./sort-header.tsx";
import { useKept } from "./use-kept.ts";

const features = tableFeatures({ columnVisibilityFeature, rowSelectionFeature });
type Features = typeof features;

export interface Column<T> {
  readonly id: string;
  readonly header: string;
  readonly cell: (row: T) => ReactNode;
  readonly align?: "right";
  /** Not shown until it is chosen. */
  readonly hidden?: boolean;
  /** What the server calls the order by this column, and from which end it begins. */
  readonly sort?: readonly [name: string, first: "ascending" | "descending"];
}

export interface DataTableProps<T> {
  /** Names the table to screen readers, and its choice of columns to the browser. */
  readonly name: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[] | undefined;
  readonly rowId: (row: T) => string;
  /** The rows are those of another question; the answer to this one is on its way. */
  readonly outdated?: boolean;
  readonly error: unknown;
  readonly onRetry: () => void;
  readonly empty: ReactNode;
  readonly onOpen?: (row: T) => void;
  readonly more?: { readonly has: boolean; readonly busy: boolean; readonly load: () => void };
  /** Rows can be chosen, and what is done with them stands above. */
  readonly selection?: {
    readonly chosen: readonly string[];
    readonly onChange: (ids: readonly string[]) => void;
    /** What a row is called. */
    readonly nameOf: (row: T) => string;
    readonly actions: ReactNode;
  };
  /** Which column the rows are in the order of. */
  readonly sorting?: Sorting;
  /** Left of the choice of columns. */
  readonly toolbar?: ReactNode;
}

/** A list of records: a page at a time, columns that can be chosen, and a state for everything that may happen. */
export function DataTable<T extends RowData>(props: DataTableProps<T>) {
  const { name, columns, rows, rowId, selection, toolbar } = props;
  const [visible, setVisible] = useKept<Record<string, boolean>>(
    `columns:${name}`,
    Object.fromEntries(columns.filter(({ hidden }) => hidden).map(({ id }) => [id, false])),
  );
  const chosen: RowSelectionState = Object.fromEntries((selection?.chosen ?? []).map((id) => [id, true]));
  const table = useTable({
    features,
    columns: columns.map(({ id, header }): ColumnDef<Features, T> => ({ id, header })),
    data: (rows ?? []) as T[],
    getRowId: rowId,
    state: { columnVisibility: visible, rowSelection: chosen },
    onColumnVisibilityChange: (change) => setVisible(typeof change === "function" ? change(visible) : change),
    onRowSelectionChange: (change) => {
      const next = typeof change === "function" ? change(chosen) : change;
      selection?.onChange(Object.keys(next).filter((id) => next[id]));
    },
  });
  return (
    <div className="overflow-hidden rounded-xl border border-line bg-panel">
      <div className="flex items-start gap-2 border-b border-line px-3 py-2.5">
        <div className="flex min-h-[34px] min-w-0 flex-1 flex-wrap items-center gap-2">
          {selection && selection.chosen.length > 0 ? selection.actions : toolbar}
        </div>
        <ColumnChoice
          columns={columns}
          isVisible={(id) => visible[id] !== false}
          onChange={(id, on) => setVisible({ ...visible, [id]: on })}
        />
      </div>
      <Content {...props} table={table} />
    </div>
  );
}

function Content<T extends RowData>({
  columns,
  rows,
  error,
  onRetry,
  empty,
  onOpen,
  outdated = false,
  more,
  selection,
  sorting,
  name,
  table,
}: DataTableProps<T> & { table: ReturnType<typeof useTable<Features, T>> }) {
  if (error) return <Failed error={error} onRetry={onRetry} />;
  if (rows === undefined) return <Loading lines={8} />;
  if (rows.length === 0) return empty;
  const alignment = new Map(columns.map(({ id, align }) => [id, align]));
  const sorts = new Map(columns.map(({ id, sort }) => [id, sort]));
  // Called, and not made a component of: a new function would be another component, and what it shows would lose the focus.
  const cellOf = new Map(columns.map(({ id, cell }) => [id, cell]));
  const cellClass = (id: string): string =>
    alignment.get(id) === "right" ? "text-right numbers whitespace-nowrap" : "";
  return (
    <>
      <section
        className={`overflow-x-auto ${outdated ? "opacity-60" : ""}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable with the keyboard
        tabIndex={0}
        aria-label={name}
        aria-busy={outdated}
      >
        <table className="w-full border-collapse text-left">
          <thead>
            {table.getHeaderGroups().map((group) => (
              <tr key={group.id} className="border-b border-line text-[13px] text-soft">
                {selection && (
                  <th className="w-10 py-2 pl-4">
                    <input
                      type="checkbox"
                      aria-label={text.common.selectAll}
                      checked={table.getIsAllRowsSelected()}
                      onChange={table.getToggleAllRowsSelectedHandler()}
                      className="block size-4 accent-accent"
                    />
                  </th>
                )}
                {group.headers.map((header) => (
                  <th
                    key={header.id}
                    scope="col"
                    aria-sort={directionOf(sorts.get(header.column.id)?.[0], sorting?.value)}
                    className={`whitespace-nowrap px-2 py-2 font-medium first:pl-4 last:pr-4 ${cellClass(header.column.id)}`}
                  >
                    <Heading
                      title={String(header.column.columnDef.header)}
                      sort={sorts.get(header.column.id)}
                      sorting={sorting}
                    />
                  </th>
                ))}
              </tr>
            ))}
          </thead>
          <tbody>
            {table.getRowModel().rows.map((row, at) => (
              <tr
                key={row.id}
                {...(onOpen && {
                  tabIndex: at === 0 ? 0 : -1,
                  onKeyDown: rowKeys(() => onOpen(row.original)),
                })}
                className={`border-b border-line -outline-offset-2 last:border-0 ${onOpen ? "cursor-pointer hover:bg-hover" : ""} ${row.getIsSelected() ? "bg-accent-soft" : ""}`}
                onClick={(event) => {
                  if (onOpen && !(event.target as Element).closest("a,button,input,label"))
                    onOpen(row.original);
                }}
              >
                {selection && (
                  <td className="py-2.5 pl-4">
                    <input
                      type="checkbox"
                      aria-label={text.common.select(selection.nameOf(row.original))}
                      checked={row.getIsSelected()}
                      onChange={row.getToggleSelectedHandler()}
                      className="block size-4 accent-accent"
                    />
                  </td>
                )}
                {row.getVisibleCells().map((cell) => (
                  <td
                    key={cell.id}
                    className={`h-11 px-2 py-1.5 align-middle first:pl-4 last:pr-4 [&_code]:whitespace-nowrap ${cellClass(cell.column.id)}`}
                  >
                    {cellOf.get(cell.column.id)?.(row.original)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <div className="flex items-center justify-between gap-3 border-t border-line px-4 py-2.5 text-[13px] text-soft">
        <span className="numbers">{text.common.shown(rows.length, more?.has ?? false)}</span>
        {more?.has && (
          <Button size="small" busy={more.busy} onClick={more.load}>
            {text.common.more}
          </Button>
        )}
      </div>
    </>
  );
}

/** A row is opened with Enter, and the arrows go from one to the next: there is one stop of the Tab key for all of them. */
function rowKeys(open: () => void) {
  return (event: KeyboardEvent<HTMLTableRowElement>): void => {
    const { target, currentTarget: row, key } = event;
    if (target !== row) return;
    const to = key === "ArrowDown" ? row.nextElementSibling : row.previousElementSibling;
    if (key === "Enter" || key === " ") open();
    else if (key === "ArrowDown" || key === "ArrowUp") (to as HTMLElement | null)?.focus();
    else return;
    event.preventDefault();
  };
}

function Heading({
  title,
  sort,
  sorting,
}: {
  title: string;
  sort: Column<unknown>["sort"];
  sorting: Sorting | undefined;
}) {
  if (sort === undefined || sorting === undefined) return title;
  const [name, first] = sort;
  return <SortHeader title={title} name={name} first={first} {...sorting} />;
}

function ColumnChoice<T>({
  columns,
  isVisible,
  onChange,
}: {
  columns: readonly Column<T>[];
  isVisible: (id: string) => boolean;
  onChange: (id: string, on: boolean) => void;
}) {
  return (
    <Menu.Root>
      <Menu.Trigger className={buttonClass({ look: "ghost" })}>
        <Columns3 size={16} aria-hidden="true" />
        <span className="max-sm:sr-only">{text.common.columns}</span>
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner align="end" sideOffset={6} className="z-50">
          <Menu.Popup className="min-w-44 rounded-lg border border-line bg-raised p-1 shadow-popup">
            {columns.map(({ id, header }) => (
              <Menu.CheckboxItem
                key={id}
                checked={isVisible(id)}
                onCheckedChange={(on) => onChange(id, on)}
                closeOnClick={false}
                className="flex cursor-pointer items-center gap-2 rounded px-2 py-1.5 data-[highlighted]:bg-hover"
              >
                <span className="flex size-4 items-center justify-center">
                  <Menu.CheckboxItemIndicator>
                    <Check size={14} aria-hidden="true" />
                  </Menu.CheckboxItemIndicator>
                </span>
                {header}
              </Menu.CheckboxItem>
            ))}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}
