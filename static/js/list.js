// The list of calls: rows are selected and walked through by key; what is selected outlives news of the rows.
(() => {
  "use strict";

  const picked = new Set();
  const byId = (id) => document.getElementById(id);
  const rows = () => [...document.querySelectorAll("#calls tbody tr")];
  const boxOf = (row) => row?.querySelector("input[name=call]");
  let here = "";

  // --- Selecting -------------------------------------------------------------------------------------------------------

  function show() {
    const boxes = [...document.querySelectorAll("#calls input[name=call]")];
    for (const box of boxes) {
      box.checked = picked.has(box.value);
      box.closest("tr").classList.toggle("picked", box.checked);
    }
    const count = boxes.filter((box) => box.checked).length;
    const page = byId("pick-page");
    if (!page) return;
    page.parentElement.hidden = false;
    page.checked = count > 0 && count === boxes.length;
    page.indeterminate = count > 0 && count < boxes.length;
    byId("picked").textContent = byId("pick-all").checked || count === 0 ? "" : `${count} selected`;
  }

  function pick(box, on) {
    if (on) picked.add(box.value);
    else picked.delete(box.value);
  }

  document.addEventListener("change", (event) => {
    if (event.target.matches("#calls input[name=call]")) pick(event.target, event.target.checked);
    else if (event.target.id === "pick-page") {
      for (const box of document.querySelectorAll("#calls input[name=call]")) pick(box, event.target.checked);
    } else if (event.target.id !== "pick-all") return;
    show();
  });

  // What is not on the page any more is not meant by what is done with the page.
  function forget() {
    const there = new Set([...document.querySelectorAll("#calls input[name=call]")].map((box) => box.value));
    for (const number of picked) if (!there.has(number)) picked.delete(number);
  }

  function refresh() {
    forget();
    show();
    mark(byId(here));
    const button = byId("show-list-keys");
    if (button) button.hidden = false;
  }

  document.addEventListener("htmx:oobAfterSwap", refresh);
  document.addEventListener("htmx:afterSettle", refresh);
  addEventListener("pageshow", refresh);

  // What uses minutes is asked about before it is done, as it is on the page of a call.
  document.addEventListener("click", (event) => {
    const question = event.target.closest("button[data-ask]")?.dataset.ask;
    if (question && !window.confirm(question)) event.preventDefault();
  });

  // --- Keys --------------------------------------------------------------------------------------------------------------

  function mark(row) {
    for (const other of document.querySelectorAll("#calls tr.here")) other.classList.remove("here");
    row?.classList.add("here");
  }

  function go(step) {
    const all = rows();
    if (!all.length) return;
    const focused = document.activeElement?.closest?.("#calls tbody tr");
    const at = all.findIndex((row) => row === focused || (!focused && row.id === here));
    const row = all[Math.min(Math.max(0, at < 0 ? 0 : at + step), all.length - 1)];
    here = row.id;
    mark(row);
    row.querySelector("a.row-link")?.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }

  function toggle() {
    const box = boxOf(byId(here));
    if (!box) return;
    pick(box, !box.checked);
    show();
  }

  function search() {
    const box = document.querySelector("[data-slash]") ?? byId("id_text");
    box?.closest("details")?.setAttribute("open", "");
    box?.focus();
    box?.select();
  }

  const KEYS = {
    j: () => go(1),
    k: () => go(-1),
    x: toggle,
    e: () => document.querySelector("#calls .exports a, #calls .exports button")?.click(),
    "/": search,
    "?": () => byId("list-keys").showModal(),
    Enter: () => byId(here)?.querySelector("a.row-link")?.click(),
  };

  document.addEventListener("keydown", (event) => {
    if (!byId("list-keys-on").checked || event.ctrlKey || event.metaKey || event.altKey || byId("list-keys").open) return;
    if (event.target.matches("textarea, select, input:not([type=checkbox]), [contenteditable]")) return;
    if (event.key === "Enter" && (event.target !== document.body || !here)) return;
    if (!Object.hasOwn(KEYS, event.key)) return;
    event.preventDefault();
    KEYS[event.key]();
  });

  document.addEventListener("focusin", (event) => {
    const row = event.target.closest("#calls tbody tr");
    if (!row) return;
    here = row.id;
    mark(row);
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("#show-list-keys")) byId("list-keys").showModal();
  });

  // Single keys can be in the way of speech input, so they can be switched off, here and on the page of a call alike.
  byId("list-keys-on").checked = localStorage.getItem("keys") !== "off";
  byId("list-keys-on").addEventListener("change", (event) => localStorage.setItem("keys", event.target.checked ? "on" : "off"));

  refresh();
})();
