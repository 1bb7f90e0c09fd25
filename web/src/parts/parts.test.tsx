import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { useState } from "react";
import { afterEach, beforeAll, expect, test, vi } from "vitest";

import { Dialog, Field, Table, Tabs } from ".";

beforeAll(() => {
  // jsdom knows no modal dialogs.
  HTMLDialogElement.prototype.showModal ??= function showModal(this: HTMLDialogElement) {
    this.open = true;
  };
});
afterEach(cleanup);

function Three() {
  const [value, setValue] = useState("a");
  return (
    <Tabs label="Letters" tabs={[["a", "A"], ["b", "B"], ["c", "C"]]} value={value} onChange={setValue}>
      shows {value}
    </Tabs>
  ); // prettier-ignore
}

test("arrows, Home and End move through tabs, around at both ends, and show what is chosen", () => {
  render(<Three />);
  const press = (key: string) => fireEvent.keyDown(document.activeElement!, { key });
  screen.getByRole("tab", { name: "A" }).focus();
  for (const [key, name] of [
    ["ArrowLeft", "C"],
    ["ArrowRight", "A"],
    ["End", "C"],
    ["Home", "A"],
    ["ArrowRight", "B"],
  ]) {
    press(key!);
    expect(document.activeElement?.textContent).toBe(name);
    expect(screen.getByRole("tab", { selected: true }).textContent).toBe(name);
  }
  expect(screen.getByRole("tabpanel", { name: "B" }).textContent).toBe("shows b");
  expect(screen.getAllByRole("tab").filter((tab) => tab.tabIndex === 0)).toHaveLength(1);
});

test("a table says by what it is sorted, and asks for falling first", () => {
  const onSort = vi.fn();
  const columns = [{ name: "cost", title: "Cost", cell: String, number: true, sortable: true }];
  const table = (sort: string) => (
    <Table caption="Costs" columns={columns} rows={[2, 1]} rowKey={String} sort={sort} onSort={onSort} />
  );
  const { rerender } = render(table(""));
  const head = () => screen.getByRole("columnheader");
  expect(head().getAttribute("aria-sort")).toBeNull();
  fireEvent.click(screen.getByRole("button", { name: "Cost" }));
  expect(onSort).toHaveBeenLastCalledWith("-cost");
  rerender(table("-cost"));
  expect(head().getAttribute("aria-sort")).toBe("descending");
  fireEvent.click(screen.getByRole("button", { name: /Cost/ }));
  expect(onSort).toHaveBeenLastCalledWith("cost");
});

test("a dialog closes with Escape, and focus goes back to what opened it", () => {
  const onClose = vi.fn();
  const shown = (open: boolean) => (
    <>
      <button>Open</button>
      <Dialog open={open} title="Why?" onClose={onClose}>
        <input aria-label="Because" />
      </Dialog>
    </>
  );
  const { rerender } = render(shown(false));
  expect(screen.queryByRole("dialog")).toBeNull();
  screen.getByRole("button", { name: "Open" }).focus();
  rerender(shown(true));
  const dialog = screen.getByRole("dialog", { name: "Why?" });
  screen.getByLabelText("Because").focus();
  fireEvent(dialog, new Event("cancel", { cancelable: true }));
  expect(onClose).toHaveBeenCalledOnce();
  rerender(shown(false));
  expect(document.activeElement?.textContent).toBe("Open");
});

test("a field's hint and fault are read with its control", () => {
  render(
    <Field label="Name" hint="As you sign in" error="Is taken">
      {(control) => <input {...control} />}
    </Field>,
  );
  const input = screen.getByLabelText("Name");
  const said = input
    .getAttribute("aria-describedby")!
    .split(" ")
    .map((id) => document.getElementById(id)?.textContent);
  expect(said).toEqual(["As you sign in", "Is taken"]);
  expect(input.getAttribute("aria-invalid")).toBe("true");
});
