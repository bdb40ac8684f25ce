"use strict";
// The page is whole without this script. With it, tables are searched and
// sorted, and show their first rows until more are wanted.
document.documentElement.classList.add("scripted"); // from here on the others are not shown

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

class Listing {
  constructor(box) {
    this.what = box.dataset.listing; // users, say
    this.table = box.querySelector("table");
    this.body = this.table.tBodies[0];
    this.first = this.shown = this.body.rows.length;
    this.rows = []; // in the order wanted
    for (const body of Array.from(this.table.tBodies)) {
      for (const row of body.rows) this.rows.push({ row });
      if (body !== this.body) body.remove();
    }
    this.found = this.rows;
    this.search = box.querySelector("input");
    this.status = box.querySelector("[role=status]");
    this.more = this.button("Show 500 more", () => this.grow(500));
    this.all = this.button("Show all", () => this.grow(Infinity));
    box.append(this.more, this.all);
    this.headers = Array.from(this.table.tHead.rows[0].cells);
    this.headers.forEach((header, column) => {
      if (header.classList.contains("decision")) return; // it is for paper
      const button = this.button(header.textContent, () => this.sort(header, column));
      header.replaceChildren(button);
    });
    this.rule = box.querySelector("select"); // of the titles in the last column but the decision
    const again = () => {
      this.shown = this.first;
      this.find();
    };
    this.search.addEventListener("input", again);
    this.rule?.addEventListener("input", again);
    box.querySelector(".controls").hidden = false;
    addEventListener("beforeprint", () => this.show(this.rows));
    addEventListener("afterprint", () => this.render());
    this.render();
  }

  button(text, act) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.addEventListener("click", act);
    return button;
  }

  sort(header, column) {
    const up = header.getAttribute("aria-sort") !== "ascending";
    for (const other of this.headers) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", up ? "ascending" : "descending");
    const key = ({ row }) => {
      const cell = row.cells[column];
      return cell.firstElementChild?.dataset.sort ?? cell.textContent.trim();
    };
    const keyed = this.rows.map((entry) => ({ entry, key: key(entry) }));
    // What is empty comes last, whichever way.
    keyed.sort((a, b) => (a.key === "") - (b.key === "") || (up ? 1 : -1) * collator.compare(a.key, b.key));
    this.rows = keyed.map(({ entry }) => entry);
    this.find();
  }

  find() {
    const words = plain(this.search.value).split(/\s+/).filter(Boolean);
    const rule = this.rule?.value;
    const met = ({ row }) => row.cells[row.cells.length - 2].textContent.split(", ").includes(rule);
    const has = (entry) => {
      entry.text ??= plain(Array.from(entry.row.cells, (cell) => cell.textContent).join(" "));
      return words.every((word) => entry.text.includes(word));
    };
    this.found = this.rows;
    if (rule) this.found = this.found.filter(met);
    if (words.length) this.found = this.found.filter(has);
    this.render();
  }

  grow(by) {
    const before = this.shown;
    this.shown += by;
    this.render();
    const row = this.found[before].row; // the button may be gone
    row.tabIndex = -1;
    row.focus();
  }

  render() {
    const shown = this.found.slice(0, this.shown);
    this.show(shown);
    const left = this.found.length > shown.length;
    this.more.hidden = !left;
    this.all.hidden = !left || this.found.length > 5000; // which takes a browser long
    const count = (rows) => rows.length.toLocaleString("en");
    const found = this.found === this.rows ? count(this.rows) : `${count(this.found)} of ${count(this.rows)}`;
    this.status.textContent = `${found} ${this.what}${left ? `, the first ${count(shown)} shown` : ""}`;
  }

  show(entries) {
    const rows = document.createDocumentFragment();
    for (const { row } of entries) rows.append(row);
    this.body.replaceChildren(rows);
  }
}

addEventListener("DOMContentLoaded", () => {
  const listings = {};
  for (const box of document.querySelectorAll("[data-listing]")) listings[box.dataset.listing] = new Listing(box);
  for (const link of document.querySelectorAll("[data-rule]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const { users } = listings;
      users.search.value = "";
      users.rule.value = link.dataset.rule;
      users.rule.dispatchEvent(new Event("input"));
      document.getElementById("users").scrollIntoView();
      users.rule.focus({ preventScroll: true });
    });
  }
  // What is closed would not be printed.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = Array.from(document.querySelectorAll("details:not([open])"));
    for (const details of opened) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
  });
});
