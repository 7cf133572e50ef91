// Adding files: each has its own progress and its own fate. Without this script the form sends them all at once.
(() => {
  "use strict";

  const AT_ONCE = 3;
  const form = document.getElementById("add");
  const input = document.getElementById("id_files");
  const drop = document.getElementById("drop");
  const list = document.getElementById("uploads");
  const row = document.getElementById("upload-row");
  const sum = document.getElementById("sum");
  const clear = document.getElementById("clear-files");
  const maxBytes = Number(form.dataset.maxMb) * 1024 * 1024;

  /** @type {{file: File, item: HTMLElement, state: string, request: XMLHttpRequest|null}[]} */
  let uploads = [];
  let running = false;

  const FINAL = ["stored", "duplicate", "refused"];
  const WORDS = { waiting: "waiting", sending: "uploading", stored: "stored", duplicate: "duplicate", refused: "refused", failed: "to try again" };

  const size = (bytes) => (bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.min(bytes, Math.max(1, Math.round(bytes / 1e3)))} kB`);
  const count = (state) => uploads.filter((upload) => upload.state === state).length;

  function add(files) {
    for (const file of files) {
      if (uploads.some((one) => one.file.name === file.name && one.file.size === file.size && one.file.lastModified === file.lastModified)) continue;
      const item = row.content.firstElementChild.cloneNode(true);
      const upload = { file, item, state: "waiting", request: null };
      item.querySelector(".name").textContent = file.name;
      item.querySelector(".size").textContent = size(file.size);
      item.querySelector("progress").setAttribute("aria-label", `Uploaded of ${file.name}`);
      item.querySelector(".remove").addEventListener("click", () => remove(upload));
      list.append(item);
      uploads.push(upload);
      if (file.size > maxBytes) settle(upload, "refused", `Larger than ${form.dataset.maxMb} MB, the most that is taken.`);
      else say(upload, "Ready");
    }
    input.value = "";
    countAll();
  }

  function remove(upload) {
    upload.request?.abort();
    upload.item.remove();
    uploads = uploads.filter((one) => one !== upload);
    countAll();
    next();
  }

  function say(upload, sentence, link) {
    const fate = upload.item.querySelector(".fate");
    fate.textContent = sentence;
    if (!link) return;
    const anchor = document.createElement("a");
    anchor.href = link.url;
    anchor.textContent = link.call;
    fate.append(" ", anchor);
  }

  function settle(upload, state, sentence, link) {
    upload.state = state;
    upload.request = null;
    upload.item.className = `upload ${state}`;
    upload.item.querySelector(".remove").textContent = FINAL.includes(state) ? "Dismiss" : "Remove";
    const glyph = { stored: "✓ ", duplicate: "= ", refused: "✕ ", failed: "✕ " }[state] ?? "";
    say(upload, glyph + sentence, link);
    countAll();
  }

  function countAll() {
    const parts = Object.keys(WORDS).filter(count).map((state) => `${count(state)} ${WORDS[state]}`);
    sum.textContent = uploads.length ? `${uploads.length} ${uploads.length === 1 ? "file" : "files"}: ${parts.join(", ")}` : "";
    clear.hidden = !uploads.some((upload) => FINAL.includes(upload.state));
  }

  function start() {
    for (const upload of uploads) if (upload.state === "failed") { upload.state = "waiting"; say(upload, "Waiting"); }
    next();
  }

  function next() {
    if (!running) return;
    while (count("sending") < AT_ONCE) {
      const upload = uploads.find((one) => one.state === "waiting");
      if (!upload) break;
      send(upload);
    }
    if (!count("sending")) running = false;
  }

  function send(upload) {
    const body = new FormData();
    for (const name of ["csrfmiddlewaretoken", "agent", "contact", "called_at", "direction"]) body.append(name, form.elements[name].value);
    body.append("modified", String(upload.file.lastModified));
    body.append("files", upload.file, upload.file.name);
    const request = new XMLHttpRequest();
    const bar = upload.item.querySelector("progress");
    upload.request = request;
    upload.state = "sending";
    upload.item.className = "upload sending";
    say(upload, "Uploading…");
    request.upload.addEventListener("progress", (event) => {
      if (!event.lengthComputable) return;
      bar.value = event.loaded / event.total;
      say(upload, event.loaded < event.total ? `${Math.floor((100 * event.loaded) / event.total)} %` : "Checking…");
    });
    request.addEventListener("load", () => { judge(upload, request); next(); });
    request.addEventListener("error", () => { settle(upload, "failed", "The connection broke off. Press Add files to try again."); next(); });
    request.open("POST", form.getAttribute("action"));
    request.setRequestHeader("Accept", "application/json");
    request.send(body);
    countAll();
  }

  function judge(upload, request) {
    const answer = parse(request.responseText);
    const fate = answer?.fates?.[0];
    if (request.status === 200 && fate) {
      if (fate.outcome === "stored") settle(upload, "stored", "Stored as", fate);
      else if (fate.outcome === "duplicate") settle(upload, "duplicate", "Duplicate of", fate);
      else settle(upload, "refused", fate.message);
    } else if (request.status === 422 && answer?.errors) {
      settle(upload, "failed", Object.values(answer.errors).flat().join(" "));
    } else if (request.status === 413 || request.status === 411) {
      settle(upload, "refused", answer?.detail ?? "It is larger than the server takes.");
    } else if (request.status === 200 || request.status === 403) {
      settle(upload, "failed", "You are signed out. Sign in in another tab, reload this page, then add it again.");
    } else {
      settle(upload, "failed", answer?.detail ?? `The server could not take it (error ${request.status}). Press Add files to try again.`);
    }
  }

  function parse(text) {
    try { return JSON.parse(text); } catch { return null; }
  }

  input.addEventListener("change", () => add(input.files));
  form.addEventListener("submit", (event) => {
    if (event.submitter?.id === "send-links") return;
    event.preventDefault();
    if (!uploads.length) { input.focus(); sum.textContent = "Choose at least one file first."; return; }
    running = true;
    start();
  });
  clear.addEventListener("click", () => {
    for (const upload of uploads.filter((one) => FINAL.includes(one.state))) remove(upload);
  });
  for (const kind of ["dragenter", "dragover"]) {
    document.addEventListener(kind, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) drop.classList.remove("over"); });
  document.addEventListener("drop", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    drop.classList.remove("over");
    add(event.dataTransfer.files);
  });
  addEventListener("beforeunload", (event) => { if (count("sending")) event.preventDefault(); });
})();
