import type { ComponentChild, JSX } from "preact";
import { useState } from "preact/hooks";
import { Icon } from "./icon.js";
import { Empty } from "./small-parts.js";

const PAGE_ROWS = 25;

/** Which rows of so many a page shows; a page that is no more is the last one. */
export function pageOf(count: number, wanted: number): { readonly page: number; readonly pages: number } {
  const pages = Math.max(1, Math.ceil(count / PAGE_ROWS));
  return { page: Math.min(Math.max(0, wanted), pages - 1), pages };
}

/** A long list, a page of it at a time: hundreds of rows cost what 25 do. */
export function RowList<T>(props: {
  readonly label: string;
  readonly rows: readonly T[];
  /** `index`: its place among those that are shown. */
  readonly keyOf: (row: T, index: number) => string;
  readonly render: (row: T) => ComponentChild;
  readonly empty: ComponentChild;
}): JSX.Element {
  const { label, rows, keyOf, render, empty } = props;
  const [wanted, setWanted] = useState(0);
  const { page, pages } = pageOf(rows.length, wanted);
  const shown = rows.slice(page * PAGE_ROWS, (page + 1) * PAGE_ROWS);
  if (rows.length === 0) return <Empty>{empty}</Empty>;
  return (
    <>
      <ul class="rows" role="list" aria-label={label}>
        {shown.map((row, index) => (
          <li key={keyOf(row, index)} class="row">
            {render(row)}
          </li>
        ))}
      </ul>
      {pages > 1 && (
        <nav class="pager" aria-label={`Pages of ${label}`}>
          <button type="button" class="quiet" disabled={page === 0} onClick={() => setWanted(page - 1)}>
            <Icon name="left" /> Before
          </button>
          <span aria-live="polite">
            {page * PAGE_ROWS + 1}–{page * PAGE_ROWS + shown.length} of {rows.length}
          </span>
          <button type="button" class="quiet" disabled={page === pages - 1} onClick={() => setWanted(page + 1)}>
            Next <Icon name="right" />
          </button>
        </nav>
      )}
    </>
  );
}

/** Text that rows are searched for. */
export function Search(props: {
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
}): JSX.Element {
  const { label, value, onInput } = props;
  return (
    <label class="search">
      <Icon name="search" />
      <span class="for-readers">{label}</span>
      <input type="search" placeholder={label} value={value} onInput={(event) => onInput(event.currentTarget.value)} />
    </label>
  );
}
