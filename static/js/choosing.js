// Files and whole folders, as they are chosen or dropped, each with its name and folders; and how long a sound lasts.
window.choosing = (() => {
  "use strict";

  const PROBES = 2;
  const LONGEST_NAME = 500;
  const EARLIEST = Date.UTC(1980, 0, 1); // what is older is no date of a recording

  const wellFormed = (name) => (name.toWellFormed ? name.toWellFormed() : name);
  const cut = (name) => [...wellFormed(name)].slice(-LONGEST_NAME).join("");
  const isLitter = (name) => /(^|\/)(\.[^/]*|Thumbs\.db|desktop\.ini)$/i.test(name); // what systems leave in folders

  const byName = new Intl.Collator("en", { numeric: true });
  const sorted = (files) => files.sort((one, other) => byName.compare(one.name, other.name)); // a folder has no order of its own
  const chosen = (file, path) => ({ file, name: cut(path), size: file.size, modified: file.lastModified >= EARLIEST ? file.lastModified : 0 });

  /** The files of an input; of a folder's without what systems leave there. */
  function ofInput(input) {
    const files = [...input.files].map((file) => chosen(file, file.webkitRelativePath || file.name));
    return input.webkitdirectory ? sorted(files.filter((one) => !isLitter(one.name))) : files;
  }

  /** The files of a drop, those in folders too, however deep. Called while the drop is handled. */
  async function ofDrop(transfer) {
    const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    if (!entries.length) return [...transfer.files].map((file) => chosen(file, file.name));
    const found = [];
    for (const entry of entries) await walk(entry, found);
    return sorted(found);
  }

  async function walk(entry, found) {
    if (entry.isFile) {
      const name = entry.fullPath.replace(/^\//, "");
      if (name.includes("/") && isLitter(name)) return;
      found.push(chosen(await new Promise((give, fail) => entry.file(give, fail)), name));
      return;
    }
    const reader = entry.createReader();
    for (;;) { // a hundred at a time
      const some = await new Promise((give, fail) => reader.readEntries(give, fail));
      if (!some.length) return;
      for (const one of some) await walk(one, found);
    }
  }

  const waiting = [];
  let probing = 0;

  /** Ask the browser how long a file lasts, some at a time; it calls back with seconds, and not at all where it cannot tell. */
  function lengthOf(file, tell) {
    waiting.push({ file, tell });
    probe();
  }

  function probe() {
    if (probing >= PROBES || !waiting.length) return;
    probing += 1;
    const { file, tell } = waiting.shift();
    const sound = new Audio();
    const address = URL.createObjectURL(file);
    const done = () => {
      clearTimeout(patience);
      URL.revokeObjectURL(address);
      sound.removeAttribute("src");
      probing -= 1;
      probe();
    };
    const patience = setTimeout(done, 5000);
    sound.preload = "metadata";
    sound.addEventListener("loadedmetadata", () => { if (Number.isFinite(sound.duration)) tell(sound.duration); done(); }, { once: true });
    sound.addEventListener("error", () => { if (sound.src) done(); }, { once: true });
    sound.src = address;
  }

  return { ofInput, ofDrop, lengthOf };
})();
