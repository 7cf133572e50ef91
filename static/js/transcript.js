// The transcript of one call: finds words in it, and marks the word that is heard.
// Both are painted by the browser's highlights, so that no element of a long transcript changes.
(() => {
  "use strict";

  const MOST = 2000; // places that are found
  const BLOCK = 100; // segments whose words are fetched at once; as the server has it
  const SOONEST = 20; // ms until a word is looked for again
  const PATIENCE = 120; // ms after the last key before a search begins
  const byId = (id) => document.getElementById(id);
  const paints = globalThis.CSS?.highlights && globalThis.Highlight;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  function paint(name, ranges) {
    if (paints) CSS.highlights.set(name, new Highlight(...ranges));
  }

  // --- Finding ---------------------------------------------------------------------------------------------------------

  let places = [];
  let at = -1;
  let waiting = 0;

  function* readable() {
    const shown = { acceptNode: (node) => (node.parentElement.closest("p") && !node.parentElement.closest(".visually-hidden, [aria-hidden]") ? NodeFilter.FILTER_ACCEPT : NodeFilter.FILTER_REJECT) };
    const walker = document.createTreeWalker(byId("segments"), NodeFilter.SHOW_TEXT, shown);
    while (walker.nextNode()) yield walker.currentNode;
  }

  function* placesOf(words) {
    const sought = words.toLowerCase();
    for (const node of readable()) {
      const lower = node.data.toLowerCase();
      const text = lower.length === node.data.length ? lower : node.data; // İ grows: then letters must be as they are
      for (let from = text.indexOf(sought); from >= 0; from = text.indexOf(sought, from + sought.length)) {
        const range = new Range();
        range.setStart(node, from);
        range.setEnd(node, from + sought.length);
        yield range;
      }
    }
  }

  function find() {
    clearTimeout(waiting);
    waiting = 0;
    clear();
    const words = byId("find-text").value.trim().replace(/\s+/g, " ");
    if (!words || !byId("segments")) return tell();
    for (const range of placesOf(words)) {
      places.push(range);
      if (places.length === MOST) break;
    }
    paint("found", places);
    if (places.length) go(1);
    else tell();
  }

  function clear() {
    document.querySelector(".segment.hit")?.classList.remove("hit");
    places = [];
    at = -1;
    paint("found", []);
    paint("found-here", []);
  }

  function go(step) {
    if (!places.length) return;
    at = (at + step + places.length) % places.length;
    document.querySelector(".segment.hit")?.classList.remove("hit");
    const segment = places[at].startContainer.parentElement.closest(".segment");
    segment.classList.add("hit");
    segment.scrollIntoView({ block: "center", behavior: calm.matches ? "auto" : "smooth" });
    paint("found-here", [places[at]]);
    tell();
  }

  function tell() {
    const isSought = byId("find-text").value.trim() !== "";
    byId("find-count").textContent = !isSought ? "" : places.length ? `${at + 1} of ${places.length}${places.length === MOST ? "+" : ""}` : "not there";
    for (const id of ["find-previous", "find-next"]) byId(id).hidden = !places.length;
  }

  document.addEventListener("input", (event) => {
    if (event.target.id !== "find-text") return;
    clearTimeout(waiting);
    waiting = setTimeout(find, PATIENCE);
  });

  document.addEventListener("keydown", (event) => {
    if (event.target.id !== "find-text") return;
    if (event.key === "Enter") {
      const isNew = waiting !== 0; // what was typed last is not sought yet
      if (isNew) find();
      if (!isNew || event.shiftKey) go(event.shiftKey ? -1 : 1);
    } else if (event.key !== "Escape") return;
    else if (event.target.value) { event.target.value = ""; find(); }
    else byId("segments").focus();
    event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("#find-next")) go(1);
    if (event.target.closest("#find-previous")) go(-1);
  });

  // --- The word that is heard --------------------------------------------------------------------------------------------

  let times = new Map(); // position → [start, end, start, end, …] in 1/100 s
  let asked = new Set();
  let segment = null;
  let words = []; // ranges of the segment that is heard, as long as `times` has them
  let marked = -1;
  let next = 0; // the timer of the next word

  async function fetchFrom(first) {
    const list = byId("segments");
    if (asked.has(first) || first >= list.children.length) return;
    asked.add(first);
    const own = times;
    try {
      const response = await fetch(`${list.dataset.words}?from=${first}`, { headers: { Accept: "application/json" } });
      if (!response.ok) return;
      for (const [position, found] of Object.entries(await response.json())) own.set(Number(position), found);
      if (segment && own === times) prepare();
    } catch {
      asked.delete(first); // without a network the words are not marked; the next segment asks again
    }
  }

  // A pill, and what is shown in its place, is one word with the letters beside it.
  function* wordsOf(paragraph) {
    let open = null;
    for (const node of paragraph.childNodes) {
      if (node.nodeType !== Node.TEXT_NODE) {
        if (!open) { open = new Range(); open.setStartBefore(node); }
        open.setEndAfter(node);
        continue;
      }
      for (const [piece, from] of pieces(node.data)) {
        if (/\s/.test(piece)) {
          if (open) yield open;
          open = null;
        } else {
          if (!open) { open = new Range(); open.setStart(node, from); }
          open.setEnd(node, from + piece.length);
        }
      }
    }
    if (open) yield open;
  }

  function* pieces(text) {
    for (const match of text.matchAll(/\s+|\S+/g)) yield [match[0], match.index];
  }

  function prepare() {
    const found = times.get(Number(segment.id.slice(1))) ?? [];
    words = found.length ? [...wordsOf(segment.querySelector("p"))] : [];
    if (words.length * 2 !== found.length) words = [];
    mark();
  }

  // Marks the word of this moment, and wakes up for the next one: between words nothing is painted.
  function mark() {
    clearTimeout(next);
    const audio = byId("audio");
    if (!audio || !segment || !words.length) return;
    const found = times.get(Number(segment.id.slice(1)));
    const now = audio.currentTime * 100;
    let index = -1;
    while (index + 1 < words.length && found[2 * index + 2] <= now) index += 1;
    if (index !== marked) paint("word", index < 0 ? [] : [words[index]]);
    marked = index;
    if (audio.paused || index + 1 === words.length) return;
    next = setTimeout(mark, Math.max(SOONEST, ((found[2 * index + 2] - now) * 10) / audio.playbackRate));
  }

  function hear(item) {
    segment = item;
    words = [];
    marked = -1;
    paint("word", []);
    if (!segment || !paints) return;
    const first = Math.floor(Number(segment.id.slice(1)) / BLOCK) * BLOCK;
    prepare();
    fetchFrom(first);
    fetchFrom(first + BLOCK); // before it is needed
  }

  document.addEventListener("segment", (event) => hear(event.detail));

  // Of the sound nothing bubbles, but all of it passes on its way down.
  for (const kind of ["play", "seeked", "timeupdate", "ratechange"]) document.addEventListener(kind, mark, true);

  // --- What the page shows; read again when htmx has put new results in ----------------------------------------------------

  function read() {
    clear();
    times = new Map();
    asked = new Set();
    hear(document.querySelector("#segments > .now"));
    if (byId("find")) byId("find").hidden = false;
  }

  document.addEventListener("htmx:afterSettle", (event) => {
    if ([event.detail.target?.id, event.target.id].includes("results")) read();
  });
  read();
})();
