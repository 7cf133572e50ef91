// Adding files: each is a row with what is known of its call, its own progress and its own fate. They are sent by tus, some
// at a time, and go on where they broke off. Without this script the form sends them all at once.
(() => {
  "use strict";

  const AT_ONCE = 3;
  const IN_ONE_REQUEST = 2000;
  const LETTERS_IN_ONE_REQUEST = 250_000;
  const DELAYS = [0, 1000, 3000, 5000, 10_000, 20_000, 30_000, 60_000, 60_000, 60_000, 60_000, 60_000];
  const FIELDS = ["agent", "contact", "called_at", "direction"];
  const ROWS_AT_ONCE = 100;
  const WAITS = new Set(["chosen", "missing", "waiting", "sending", "paused", "leaving"]); // nothing has become of it yet

  const byId = (id) => document.getElementById(id);
  const form = byId("add");
  const list = byId("uploads");
  const template = byId("upload-row");
  const said = byId("files-said");
  const tools = byId("tools");
  const maxBytes = Number(form.dataset.maxMb) * 1024 * 1024;
  const token = form.elements.csrfmiddlewaretoken.value;

  /** name, size, modified, file, item, batch, state, own (what was entered for it alone), known, sent, upload, part elements */
  const rows = [];
  const byKey = new Map();
  const byItem = new Map();
  const counts = {};
  const batches = new Map(); // by address: its page and its sums
  const queue = [];
  let sending = 0;
  let bytes = 0;
  let sent = 0;
  let isAdding = false;

  const keyOf = (one) => `${one.name}\n${one.size}\n${one.modified}`;
  const looseKeyOf = (one) => `${one.name.split("/").pop()}\n${one.size}\n${one.modified}`;
  const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
  const size = (count) => (count >= 1e9 ? `${(count / 1e9).toFixed(2)} GB` : count >= 1e6 ? `${(count / 1e6).toFixed(1)} MB` : `${Math.ceil(count / 1e3)} kB`);
  const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
  const batchAddress = (batch) => `${form.dataset.batches}${batch}/`;

  // --- Asking the server -------------------------------------------------------------------------------------------

  async function ask(address, document) {
    const options = { headers: { Accept: "application/json", "X-CSRFToken": token } };
    if (document) Object.assign(options, { method: "POST", body: JSON.stringify(document) });
    let answer;
    try {
      answer = await fetch(address, options);
    } catch {
      throw new Error("The server cannot be reached. Nothing is lost: try again when it can.");
    }
    if (answer.redirected || answer.status === 403) throw new Error("You are signed out. Sign in in another tab, reload this page, and choose the same files again to go on.");
    const body = await answer.json().catch(() => null);
    if (answer.ok && body) return body;
    const error = new Error(body?.errors ? Object.values(body.errors).flat().join(" ") : `The server could not do that (error ${answer.status}). Try again in a moment.`);
    error.fields = body?.errors;
    throw error;
  }

  const entered = () => Object.fromEntries([...FIELDS, "pattern"].map((name) => [name, form.elements[name].value]));
  const described = (row) => ({ name: row.name, size: row.size, modified: row.modified, ...row.own });

  /** Some rows at a time, as many as one request holds. */
  function* portions(some) {
    let portion = [];
    let letters = 0;
    for (const row of some) {
      if (portion.length && (portion.length >= IN_ONE_REQUEST || letters > LETTERS_IN_ONE_REQUEST)) {
        yield portion;
        portion = [];
        letters = 0;
      }
      portion.push(row);
      letters += row.name.length + 100;
    }
    if (portion.length) yield portion;
  }

  // --- Rows ------------------------------------------------------------------------------------------------------------

  function rowOf(one) {
    const element = template.content.firstElementChild.cloneNode(true);
    const row = { ...one, own: {}, known: {}, state: "", sent: 0, element };
    const find = (selector) => element.querySelector(selector);
    Object.assign(row, { pick: find(".pick"), fate: find(".fate"), bar: find("progress"), remove: find(".remove"), length: find(".length"), cells: {} });
    const slash = row.name.lastIndexOf("/") + 1;
    find(".folder").textContent = row.name.slice(0, slash);
    find(".file").textContent = row.name.slice(slash);
    find(".name").title = row.name;
    find(".size").textContent = size(row.size);
    row.pick.setAttribute("aria-label", `Select ${row.name}`);
    row.bar.setAttribute("aria-label", `Sent of ${row.name}`);
    for (const cell of element.querySelectorAll(".cell")) row.cells[cell.dataset.field] = cell;
    element.row = row;
    rows.push(row);
    byKey.set(keyOf(row), row);
    if (row.item) byItem.set(row.item, row);
    bytes += row.size;
    return row;
  }

  function move(row, state, words, link) {
    if (row.isGone) return;
    if (row.state) counts[row.state] -= 1;
    counts[state] = (counts[state] ?? 0) + 1;
    row.state = state;
    row.element.dataset.state = state;
    row.remove.textContent = WAITS.has(state) && state !== "chosen" ? "Cancel" : "Remove";
    row.remove.hidden = state === "stored";
    row.pick.disabled = !WAITS.has(state);
    if (row.pick.disabled) row.pick.checked = false;
    for (const cell of Object.values(row.cells)) cell.disabled = !WAITS.has(state);
    const glyph = { stored: "✓ ", duplicate: "= ", refused: "✕ ", failed: "✕ ", cancelled: "– " }[state] ?? "";
    row.fate.textContent = glyph + words;
    if (link?.url) {
      const anchor = document.createElement("a");
      anchor.href = link.url;
      anchor.textContent = link.call;
      row.fate.append(" ", anchor);
    }
    soon();
  }

  function show(row, known) {
    row.known = known;
    for (const [name, cell] of Object.entries(row.cells)) {
      const value = known[name] ?? "";
      cell.textContent = value || { agent: "no agent", contact: "unknown", called_at: "unknown" }[name];
      cell.classList.toggle("lacking", !value);
      cell.classList.toggle("assumed", name === "called_at" && Boolean(known.is_assumed));
      cell.setAttribute("aria-label", `${cell.dataset.label}: ${cell.textContent}${name === "called_at" && known.is_assumed ? ", assumed" : ""}. Change`);
    }
  }

  /** What became of an item, as the server says it. */
  function settle(row, fate) {
    report(row, row.size);
    if (fate.outcome !== "waiting") move(row, fate.outcome, fate.words, fate);
  }

  function report(row, count) {
    sent += count - row.sent;
    row.sent = count;
    row.bar.value = row.size ? count / row.size : 1;
  }

  function drop(row) {
    row.upload?.abort();
    if (row.state === "sending") sending -= 1;
    counts[row.state] -= 1;
    bytes -= row.size;
    sent -= row.sent;
    row.element.remove();
    row.isGone = true;
    byKey.delete(keyOf(row));
    byItem.delete(row.item);
  }

  const here = () => rows.filter((row) => !row.isGone);

  // --- What the page says, put together once for many changes -----------------------------------------------------------

  let isSaying = false;

  function soon() {
    if (isSaying) return;
    isSaying = true;
    setTimeout(() => { isSaying = false; sayAll(); }, 60);
  }

  function sayAll() {
    const total = here().length;
    const open = (counts.chosen ?? 0) + (counts.paused ?? 0) + (counts.failed ?? 0);
    const busy = (counts.sending ?? 0) + (counts.waiting ?? 0);
    byId("list").hidden = !total;
    byId("send-files").textContent = counts.chosen ? `Add ${plural(counts.chosen, "file")}` : open ? `Try ${plural(open, "file")} again` : "Add files";
    byId("send-files").disabled = Boolean(total) && !open;
    byId("cancel-all").hidden = !batchesThatWait().length;
    byId("total").hidden = !busy && !(counts.paused ?? 0);
    byId("total").value = bytes ? sent / bytes : 0;
    const parts = [["sending", "being sent"], ["waiting", "waiting"], ["missing", "not chosen yet"], ["paused", "paused"], ["leaving", "being cancelled"], ["failed", "to try again"], ["chosen", "chosen"],
      ["stored", "stored"], ["duplicate", "duplicate"], ["refused", "refused"], ["cancelled", "cancelled"]];
    const words = parts.filter(([state]) => counts[state]).map(([state, word]) => `${counts[state].toLocaleString("en")} ${word}`);
    byId("sum").textContent = total ? `${plural(total, "file")}: ${words.join(", ")}${busy ? ` · ${size(sent)} of ${size(bytes)}` : ""}` : "";
    sayPicked();
  }

  function sayPicked() {
    const picked = rows.filter((row) => !row.isGone && row.pick.checked).length;
    tools.hidden = !picked;
    byId("picked").textContent = plural(picked, "file");
  }

  function saySums(answer) {
    batches.set(answer.batch, answer);
    const box = byId("sums");
    box.replaceChildren(...[...batches.values()].map(sumsOf));
    box.hidden = !batches.size;
    soon();
  }

  function sumsOf({ url, sums }) {
    const line = document.createElement("p");
    const link = document.createElement("a");
    link.href = url;
    link.textContent = "this batch";
    const parts = ["waiting", "working", "done", "failed", "duplicates", "cancelled"].map((name) => `${sums[name].toLocaleString("en")} ${name}`);
    line.append(`${sums.items.toLocaleString("en")} in `, link, ` = ${parts.join(" + ")}`);
    return line;
  }

  const batchesThatWait = () => [...batches.values()].filter((one) => [...byItem.values()].some((row) => row.batch === one.batch && WAITS.has(row.state)));

  let sumsTimer = null;

  function sumsSoon() {
    sumsTimer ??= setTimeout(async () => {
      sumsTimer = null;
      for (const batch of batches.keys()) await ask(batchAddress(batch)).then(saySums, () => {});
      if (sending || [...batches.values()].some(({ sums }) => sums.working)) sumsSoon();
    }, sending ? 1500 : 5000);
  }

  // --- Choosing ------------------------------------------------------------------------------------------------------------

  let coming = Promise.resolve(); // what was chosen and is not all on the page yet

  function add(files) {
    coming = coming.then(() => put(files)).catch((error) => say(error.message));
  }

  /** Take what was chosen; only once the page knows what is expected, so that this is not taken for something new. */
  async function put(files) {
    await recalled;
    const fresh = document.createDocumentFragment();
    const added = [];
    for (const one of files) {
      const known = byKey.get(keyOf(one)) ?? loose.get(looseKeyOf(one));
      if (known && !known.isGone) take(known, one.file);
      else {
        const row = rowOf(one);
        move(row, "chosen", "Ready");
        show(row, {});
        fresh.append(row.element);
        added.push(row);
        watch.observe(row.element);
        if (added.length % ROWS_AT_ONCE === 0) {
          list.append(fresh);
          await new Promise((go) => setTimeout(go)); // the page stays usable while thousands come
        }
      }
    }
    list.append(fresh);
    say("");
    next();
    if (added.length) readNames();
  }

  /** A file that is expected: what is not here of it is sent. */
  function take(row, file) {
    if (row.state !== "missing") return;
    row.file = file;
    watch.observe(row.element);
    move(row, "waiting", "Waiting");
    queue.push(row);
  }

  const watch = new IntersectionObserver((seen) => {
    for (const { isIntersecting, target } of seen) {
      if (!isIntersecting || target.row.isGone) continue;
      watch.unobserve(target);
      choosing.lengthOf(target.row.file, (seconds) => { target.row.length.textContent = clock(seconds); });
    }
  });

  let isReading = false;
  let isToRead = false;

  /** Ask what the names say, with what is entered on the page; again where that changes meanwhile. */
  async function readNames() {
    if (isReading) { isToRead = true; return; }
    isReading = true;
    const open = rows.filter((row) => !row.isGone && row.state === "chosen");
    try {
      for (const portion of portions(open)) {
        const answer = await ask(form.dataset.names, { ...entered(), files: portion.map(described) });
        answer.files.forEach((known, at) => show(portion[at], known));
      }
      complain(null);
    } catch (error) {
      complain(error);
    }
    isReading = false;
    if (isToRead) { isToRead = false; readNames(); }
  }

  function complain(error) {
    const wrong = byId("pattern-wrong");
    wrong.textContent = error?.fields?.pattern?.join(" ") ?? "";
    wrong.hidden = !wrong.textContent;
    form.elements.pattern.setAttribute("aria-invalid", String(Boolean(wrong.textContent)));
    say(error && !wrong.textContent ? error.message : "");
  }

  function say(words) {
    said.textContent = words;
    said.hidden = !words;
  }

  let readTimer = null;

  function readSoon() {
    clearTimeout(readTimer);
    readTimer = setTimeout(readNames, 350);
  }

  // --- Sending -----------------------------------------------------------------------------------------------------------

  async function start() {
    if (isAdding) return;
    isAdding = true;
    await coming; // all of it is meant, also what is not shown yet
    say("");
    retry(["paused", "failed"]);
    try {
      await open(rows.filter((row) => !row.isGone && row.state === "chosen"));
    } catch (error) {
      say(error.message);
      if (error.fields?.agent) form.elements.agent.focus();
    }
    isAdding = false;
    soon();
    next();
  }

  /** Write the files down as a batch; each is sent from then on. */
  async function open(chosen) {
    let address = form.dataset.batches;
    for (const portion of portions(chosen)) {
      const answer = await ask(address, { ...entered(), files: portion.map(described) });
      address = batchAddress(answer.batch);
      answer.items.forEach((item, at) => begin(portion[at], item, answer.batch));
      saySums(answer);
    }
  }

  function begin(row, item, batch) {
    Object.assign(row, { item: item.id, batch });
    byItem.set(row.item, row);
    if (row.isGone) { cancel([row]); return; }
    show(row, item);
    if (item.outcome !== "waiting") { settle(row, item); return; }
    move(row, "waiting", "Waiting");
    queue.push(row);
  }

  function next() {
    while (sending < AT_ONCE && queue.length) {
      const row = queue.shift();
      if (!row.isGone && row.state === "waiting") send(row);
    }
  }

  function send(row) {
    sending += 1;
    move(row, "sending", "Sending…");
    const isKnown = row.upload || row.isResumed;
    row.upload ??= new tus.Upload(row.file, {
      endpoint: form.dataset.uploads,
      uploadUrl: isKnown ? new URL(`${form.dataset.uploads}${row.item}/`, location.href).href : null,
      metadata: { item: String(row.item) },
      headers: { "X-CSRFToken": token },
      retryDelays: DELAYS,
      storeFingerprintForResuming: false,
      onShouldRetry: (error, tried) => navigator.onLine && !isSignedOut(error) && !(isAway(error) && tried > 1) && (statusOf(error) < 400 || statusOf(error) >= 500 || [409, 423].includes(statusOf(error))),
      onProgress: (count) => { report(row, count); row.fate.textContent = count < row.size ? `${Math.floor((100 * count) / row.size)} %` : "Being checked…"; soon(); },
      onSuccess: ({ lastResponse }) => ended(row, () => settle(row, JSON.parse(lastResponse.getHeader("Callcov-Fate")))),
      onError: (error) => ended(row, () => broken(row, error)),
    });
    row.upload.start();
    sumsSoon();
  }

  // A session that has ended leads every request to the page where one signs in, with whatever method it had.
  const isSignedOut = (error) => [403, 405].includes(statusOf(error)) || Boolean(error.originalRequest?.getUnderlyingObject().responseURL?.includes("/login/"));
  const statusOf = (error) => error.originalResponse?.getStatus() ?? 0;
  const isPlain = (error) => error.originalResponse?.getHeader("Content-Type")?.startsWith("text/plain"); // ours, and no page of a proxy
  const isAway = (error) => statusOf(error) === 503 && isPlain(error); // the storage is: it is said, and tried again later

  function ended(row, settleIt) {
    sending -= 1;
    settleIt();
    next();
    if (!sending) sumsSoon();
  }

  function broken(row, error) {
    const status = statusOf(error);
    const words = error.originalResponse?.getBody()?.trim();
    if (!status && !isSignedOut(error)) move(row, "paused", navigator.onLine ? "The server cannot be reached. It is tried again." : "No network. It goes on by itself.");
    else if (isAway(error)) move(row, "paused", words);
    else if (status === 410) move(row, "cancelled", "Cancelled");
    else if (isSignedOut(error)) move(row, "failed", "You are signed out. Sign in in another tab, then reload this page.");
    else move(row, "failed", status < 500 || status === 507 ? words : `The server could not take it (error ${status}).`);
  }

  /** Go on with what broke off. */
  function retry(states) {
    for (const row of rows) {
      if (row.isGone || !states.includes(row.state)) continue;
      move(row, "waiting", "Waiting");
      queue.push(row);
    }
    next();
  }

  // --- Changing and cancelling -----------------------------------------------------------------------------------------------

  function edit(cell) {
    const row = cell.closest(".upload").row;
    const name = cell.dataset.field;
    const input = document.createElement("input");
    input.value = row.known[name] ?? "";
    if (name === "called_at") {
      input.type = "datetime-local";
      input.value = input.defaultValue = (row.known[name] ?? "").replace(" ", "T");
    } else {
      input.setAttribute("list", { agent: "known-agents", contact: "known-contacts" }[name]);
      input.autocomplete = "off";
    }
    input.className = "editing";
    input.setAttribute("aria-label", `${cell.dataset.label} of ${row.name}`);
    const before = input.value;
    let isDone = false;
    const done = (isKept) => {
      if (isDone) return;
      isDone = true;
      input.replaceWith(cell);
      if (isKept && input.value !== before) change([row], { [name]: input.value });
    };
    input.addEventListener("blur", () => done(true));
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault();
      if (event.key === "Enter" || event.key === "Escape") { done(event.key === "Enter"); cell.focus(); }
    });
    cell.replaceWith(input);
    input.focus();
  }

  /** Enter something for some rows: on their items where they are written down already. */
  async function change(some, fields) {
    for (const row of some) if (!row.item) Object.assign(row.own, fields);
    try {
      await each(some, (items) => ({ items, ...fields }), (row, item) => show(row, item));
    } catch (error) {
      say(error.message);
    }
    if (some.some((row) => !row.item)) await readNames();
  }

  async function cancel(some) {
    for (const row of some) {
      row.upload?.abort();
      if (row.state === "sending") sending -= 1;
      if (row.state === "sending" || row.state === "waiting") move(row, "leaving", "Being cancelled…");
    }
    try {
      await each(some, (items) => ({ items, act: "cancel" }), settle);
    } catch (error) {
      say(error.message);
    }
    next();
  }

  /** Ask the server to do something with the items of some rows, batch by batch. */
  async function each(some, document, then) {
    const groups = new Map();
    for (const row of some) if (row.item) groups.set(row.batch, [...(groups.get(row.batch) ?? []), row]);
    for (const [batch, group] of groups) {
      for (const portion of portions(group)) {
        const answer = await ask(`${batchAddress(batch)}change/`, document(portion.map((row) => row.item)));
        for (const item of answer.items) if (byItem.has(item.id)) then(byItem.get(item.id), item);
        saySums(answer);
      }
    }
  }

  function removeOrCancel(some) {
    const open = some.filter((row) => row.item && WAITS.has(row.state));
    for (const row of some) if (!open.includes(row)) drop(row);
    if (open.length) cancel(open);
    soon();
  }

  async function cancelAll() {
    queue.length = 0;
    for (const one of batchesThatWait()) {
      for (const row of byItem.values()) {
        if (row.batch !== one.batch || !WAITS.has(row.state)) continue;
        row.upload?.abort();
        if (row.state === "sending") sending -= 1;
        move(row, "leaving", "Being cancelled…");
      }
      try {
        saySums(await ask(`${batchAddress(one.batch)}cancel/`, {}));
        for (const row of byItem.values()) if (row.batch === one.batch && WAITS.has(row.state)) move(row, "cancelled", "Cancelled");
      } catch (error) {
        say(error.message);
      }
    }
    soon();
  }

  // --- What was begun another time ---------------------------------------------------------------------------------------------

  const loose = new Map(); // the same files, chosen one by one where they were chosen as a folder, or the other way round

  async function recall(batch) {
    for (let after = 0; ;) {
      const answer = await ask(`${batchAddress(batch)}?after=${after}`);
      if (!answer.items.length) return saySums(answer);
      const fragment = document.createDocumentFragment();
      for (const item of answer.items) {
        const row = rowOf({ name: item.name, size: item.size, modified: item.modified, item: item.id, batch });
        row.isResumed = true;
        loose.set(looseKeyOf(row), loose.has(looseKeyOf(row)) ? { isGone: true } : row);
        move(row, "missing", "Choose it again to go on");
        show(row, item);
        settleRecalled(row, item);
        fragment.append(row.element);
      }
      list.append(fragment);
      after = answer.items.at(-1).position;
    }
  }

  function settleRecalled(row, item) {
    if (item.outcome !== "waiting") settle(row, item);
  }

  // --- The page ----------------------------------------------------------------------------------------------------------------

  const inputs = [byId("id_files"), byId("id_folder")];
  for (const input of inputs) {
    input.addEventListener("change", () => { add(choosing.ofInput(input)); input.value = ""; });
  }
  form.addEventListener("submit", (event) => {
    if (event.submitter?.id === "send-links") return;
    event.preventDefault();
    if (here().length) start();
    else { say("Choose at least one file first."); byId("id_files").focus(); }
  });
  for (const name of [...FIELDS, "pattern"]) form.elements[name].addEventListener("input", readSoon);
  byId("kept-patterns")?.addEventListener("change", (event) => { form.elements.pattern.value = event.target.value; readNames(); });
  list.addEventListener("click", (event) => {
    const cell = event.target.closest(".cell");
    if (cell) edit(cell);
    if (event.target.closest(".remove")) removeOrCancel([event.target.closest(".upload").row]);
  });
  list.addEventListener("change", (event) => { if (event.target.matches(".pick")) sayPicked(); });
  byId("pick-all").addEventListener("change", (event) => {
    for (const row of rows) if (!row.isGone && !row.pick.disabled) row.pick.checked = event.target.checked;
    sayPicked();
  });
  byId("set-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const picked = rows.filter((row) => !row.isGone && row.pick.checked);
    const fields = Object.fromEntries(FIELDS.map((name) => [name, byId(`set-${name}`).value]).filter(([, value]) => value));
    if (Object.keys(fields).length) change(picked, fields);
  });
  byId("remove-picked").addEventListener("click", () => removeOrCancel(rows.filter((row) => !row.isGone && row.pick.checked)));
  byId("cancel-all").addEventListener("click", cancelAll);
  for (const kind of ["dragenter", "dragover"]) {
    document.addEventListener(kind, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      byId("drop").classList.add("over");
    });
  }
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) byId("drop").classList.remove("over"); });
  document.addEventListener("drop", async (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    byId("drop").classList.remove("over");
    add(await choosing.ofDrop(event.dataTransfer));
  });
  addEventListener("online", () => retry(["paused"]));
  setInterval(() => { if (navigator.onLine) retry(["paused"]); }, 30_000);
  addEventListener("beforeunload", (event) => { if (sending) event.preventDefault(); });

  for (const element of document.querySelectorAll("[data-scripted]")) element.hidden = false;
  const recalled = (async () => {
    for (const one of document.querySelectorAll("[data-unfinished]")) await recall(one.dataset.unfinished).catch((error) => say(error.message));
    sayAll();
  })();
})();
