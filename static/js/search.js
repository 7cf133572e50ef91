// Search: `/` goes to the box, the box of another page takes the filters along, and a found line is heard where it stands.
(() => {
  "use strict";

  const BEFORE = 0.3; // seconds around a line, so that no word is cut
  const AFTER = 0.3;
  const byId = (id) => document.getElementById(id);

  function isTyping(target) {
    return target.matches("textarea, select, input:not([type=radio], [type=checkbox], [type=range]), [contenteditable]");
  }

  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const box = document.querySelector("[data-slash]");
    if (!box) return;
    event.preventDefault();
    box.focus();
    box.select();
  });

  // The filters of the page that one comes from stand in its address.
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-carry]");
    if (!form) return;
    for (const old of form.querySelectorAll("input[type=hidden]")) old.remove();
    for (const [name, value] of new URLSearchParams(location.search)) {
      if (["before", "after", "page", "words"].includes(name)) continue;
      const field = document.createElement("input");
      Object.assign(field, { type: "hidden", name, value });
      form.append(field);
    }
  });

  // --- The sound of one line -------------------------------------------------------------------------------------------

  const bar = byId("stretch");
  if (!bar) return;
  const audio = byId("stretch-audio");
  let link = null; // of the line that is heard
  let source = "";
  let start = 0;
  let until = Infinity;

  function show(isPlaying) {
    if (!link) return;
    link.classList.toggle("playing", isPlaying);
    link.querySelector(".glyph").textContent = isPlaying ? "❚❚" : "▶";
  }

  function seek() {
    audio.currentTime = start;
    audio.play().catch(() => {}); // a pause right after play() is no trouble
  }

  function hear(chosen) {
    show(false);
    link = chosen;
    start = Math.max(0, Number(link.dataset.start) - BEFORE);
    until = Number(link.dataset.end) + AFTER;
    byId("stretch-what").textContent = link.dataset.what;
    byId("stretch-what").href = link.dataset.call;
    byId("stretch-trouble").hidden = true;
    bar.hidden = false;
    if (source === link.dataset.play && audio.readyState >= 1) {
      seek();
      return;
    }
    source = audio.src = link.dataset.play;
    audio.load();
  }

  function end() {
    if (audio.currentTime < until) return;
    until = Infinity; // who presses play again hears on
    audio.pause();
  }

  function watch() {
    end();
    if (!audio.paused) requestAnimationFrame(watch);
  }

  audio.addEventListener("loadedmetadata", seek);
  audio.addEventListener("play", () => { show(true); watch(); });
  audio.addEventListener("timeupdate", end); // where the page is not painted, no frame is asked for
  for (const kind of ["pause", "ended"]) audio.addEventListener(kind, () => show(false));
  audio.addEventListener("error", () => { show(false); source = ""; byId("stretch-trouble").hidden = false; });

  document.addEventListener("click", (event) => {
    if (event.target.closest("#stretch-close")) {
      audio.pause();
      bar.hidden = true;
      return;
    }
    const chosen = event.target.closest("[data-play]");
    if (!chosen || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (chosen === link && !audio.paused) audio.pause();
    else hear(chosen);
  });
})();
