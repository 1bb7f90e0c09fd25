import { Fragment, type ReactNode } from "react";

import "./parts.css";

export interface Column<Row> {
  name: string;
  title: ReactNode;
  cell: (row: Row) => ReactNode;
  /** Numbers stand to the right. */
  number?: boolean;
  sortable?: boolean;
  /** The cell that names the row. */
  head?: boolean;
}

interface TableProps<Row> {
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  /** As the server is asked: a column, with `-` before it for falling. */
  sort?: string;
  onSort?: (sort: string) => void;
  /** What stands under a row that is open; null where it is not. */
  under?: (row: Row) => ReactNode;
  empty?: ReactNode;
}

/** A native table. The server sorts; the page only says by what. */
export function Table<Row>({ caption, columns, rows, rowKey, sort = "", onSort, under, empty }: TableProps<Row>) {
  return (
    <div className="pu-table-room" role="region" aria-label={caption} tabIndex={0}>
      <table className="pu-table">
        <caption className="pu-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <Head key={column.name} column={column} sort={sort} onSort={onSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => {
            const more = under?.(row) ?? null;
            return (
              <Fragment key={rowKey(row)}>
                <tr className={more === null ? undefined : "pu-table-open"}>
                  {columns.map((column) =>
                    column.head ? (
                      <th key={column.name} scope="row">
                        {column.cell(row)}
                      </th>
                    ) : (
                      <td key={column.name} className={column.number ? "pu-number" : undefined}>
                        {column.cell(row)}
                      </td>
                    ),
                  )}
                </tr>
                {more === null ? null : (
                  <tr className="pu-table-under">
                    <td colSpan={columns.length}>{more}</td>
                  </tr>
                )}
              </Fragment>
            );
          })}
          {rows.length === 0 ? (
            <tr>
              <td colSpan={columns.length}>{empty ?? "Nothing in this range and with these filters."}</td>
            </tr>
          ) : null}
        </tbody>
      </table>
    </div>
  );
}

interface HeadProps<Row> {
  column: Column<Row>;
  sort: string;
  onSort?: ((sort: string) => void) | undefined;
}

function Head<Row>({ column, sort, onSort }: HeadProps<Row>) {
  const falling = sort === `-${column.name}`;
  const by = falling || sort === column.name;
  return (
    <th
      scope="col"
      className={column.number ? "pu-number" : undefined}
      aria-sort={by ? (falling ? "descending" : "ascending") : undefined}
    >
      {column.sortable && onSort ? (
        <button type="button" onClick={() => onSort(falling ? column.name : `-${column.name}`)}>
          {column.title}
          <span aria-hidden="true">{by ? (falling ? " ↓" : " ↑") : ""}</span>
        </button>
      ) : (
        column.title
      )}
    </th>
  );
}
