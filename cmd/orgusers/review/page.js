"use strict";
// The page is complete without this script. The script searches, filters and sorts
// tables, shows their first rows, and saves decisions.
document.documentElement.classList.add("scripted"); // hides the other rows from now on

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

class Listing {
  constructor(box) {
    this.what = box.dataset.listing; // such as users
    this.body = box.querySelector("tbody");
    this.first = this.shown = this.body.rows.length;
    this.all = [];
    for (const body of Array.from(box.querySelector("table").tBodies)) {
      for (const row of body.rows) {
        this.all.push({ row, email: row.cells[0].textContent, is: row.dataset.is?.split(" ") });
      }
      if (body !== this.body) body.remove();
    }
    this.found = this.rows = this.all; // rows are sorted
    this.search = box.querySelector("input");
    this.filters = Array.from(box.querySelectorAll("select"));
    this.status = box.querySelector("[role=status]");
    this.more = this.button("Show 500 more", () => this.grow(500));
    this.rest = this.button("Show all", () => this.grow(Infinity));
    box.append(this.more, this.rest);
    this.headers = Array.from(box.querySelectorAll("thead th"));
    this.headers.forEach((header, column) => {
      if (header.classList.contains("decision")) return;
      header.replaceChildren(this.button(header.textContent, () => this.sort(header, column)));
    });
    for (const field of [this.search, ...this.filters]) field.addEventListener("input", () => this.restart());
    if (this.filters.length) this.decisions = new Decisions(this);
    for (const controls of box.querySelectorAll(".controls")) controls.hidden = false;
    addEventListener("beforeprint", () => this.show(this.rows));
    addEventListener("afterprint", () => this.render());
    this.render();
  }

  button(textContent, onclick) {
    return element("button", { type: "button", textContent, onclick });
  }

  // only shows the rows with a token.
  only(token) {
    this.search.value = "";
    for (const filter of this.filters) filter.value = "";
    this.filters[0].value = token;
    this.restart();
    this.filters[0].focus({ preventScroll: true });
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
    // Empty cells come last in both directions.
    keyed.sort((a, b) => (a.key === "") - (b.key === "") || (up ? 1 : -1) * collator.compare(a.key, b.key));
    this.rows = keyed.map(({ entry }) => entry);
    this.find();
  }

  restart() {
    this.shown = this.first;
    this.find();
  }

  find() {
    const words = plain(this.search.value).split(/\s+/).filter(Boolean);
    const tokens = this.filters.map((filter) => filter.value).filter(Boolean);
    const matches = (entry) => {
      entry.text ??= plain(`${entry.email} ${entry.row.cells[1].textContent}`);
      return tokens.every((token) => entry.is.includes(token)) && words.every((word) => entry.text.includes(word));
    };
    this.found = words.length || tokens.length ? this.rows.filter(matches) : this.rows;
    this.render();
  }

  grow(by) {
    const before = this.shown;
    this.shown += by;
    this.render();
    const { row } = this.found[before]; // the button may be hidden now
    row.tabIndex = -1;
    row.focus();
  }

  render() {
    const shown = this.found.slice(0, this.shown);
    for (const entry of shown) this.decisions?.addTicks(entry);
    this.show(shown);
    const left = this.found.length > shown.length;
    this.more.hidden = !left;
    this.rest.hidden = !left || this.found.length > 5000; // a browser is slow with more
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

// Decisions are the ticks. A decision is about an address: a member and an invitation
// with the same address are removed together.
class Decisions {
  constructor(listing) {
    this.listing = listing;
    this.byEmail = new Map();
    this.saved = true;
    this.status = document.getElementById("decisions");
    this.button = document.getElementById("save");
    this.button.onclick = () => this.save();
    addEventListener("beforeunload", (event) => {
      if (!this.saved) event.preventDefault();
    });
  }

  // addTicks adds ticks to a row, the first time that it is shown.
  addTicks(entry) {
    if (entry.ticks) return;
    // The owner cannot be removed.
    const choices = entry.row.classList.contains("owner") ? ["Keep"] : ["Keep", "Remove"];
    entry.ticks = choices.map((choice) => {
      const tick = element("input", { type: "checkbox", autocomplete: "off", value: choice, ariaLabel: `${choice} ${entry.email}` });
      tick.addEventListener("change", () => this.decide(entry.email, tick.checked ? choice : undefined));
      const label = element("label");
      label.append(tick, ` ${choice}`);
      return label;
    });
    entry.row.cells[entry.row.cells.length - 1].append(...entry.ticks);
    this.update(entry);
  }

  update({ email, ticks }) {
    for (const { firstChild: tick } of ticks) tick.checked = tick.value === this.byEmail.get(email);
  }

  decide(email, choice) {
    this.saved = false;
    if (choice) this.byEmail.set(email, choice);
    else this.byEmail.delete(email);
    for (const entry of this.listing.all) if (entry.ticks && entry.email === email) this.update(entry);
    const count = (wanted) => Array.from(this.byEmail.values()).filter((value) => value === wanted).length;
    const [keep, remove] = [count("Keep"), count("Remove")];
    this.status.textContent = `${keep.toLocaleString("en")} to keep, ${remove.toLocaleString("en")} to remove. The ticks are lost when the page is closed: save the list.`;
    this.button.disabled = remove === 0;
  }

  save() {
    const emails = this.listing.all.map(({ email }) => email).filter((email) => this.byEmail.get(email) === "Remove");
    const read = document.querySelector("time").dateTime;
    const list = {
      version: 1,
      organization_uid: document.getElementById("organization-uid").textContent,
      read_at: read,
      remove: Array.from(new Set(emails)),
    };
    const href = URL.createObjectURL(new Blob([`${JSON.stringify(list, null, 2)}\n`], { type: "application/json" }));
    element("a", { href, download: `review-decisions-${read.slice(0, 10)}.json` }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60000);
    this.saved = true;
  }
}

addEventListener("DOMContentLoaded", () => {
  const listings = {};
  for (const box of document.querySelectorAll("[data-listing]")) listings[box.dataset.listing] = new Listing(box);
  for (const link of document.querySelectorAll("[data-rule]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      listings.users.only(link.dataset.rule);
      document.getElementById("users").scrollIntoView();
    });
  }
  // Closed parts would not be printed.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = Array.from(document.querySelectorAll("details:not([open])"));
    for (const details of opened) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
  });
});
