// The player of one call: seeks by second (also by that of the address), follows in the transcript, and goes through the
// findings by key.
(() => {
  "use strict";

  const BEFORE = 3; // seconds of run-up before a finding's evidence
  const AFTER = 2;
  const STEP = 5;
  const byId = (id) => document.getElementById(id);
  let audio = null; // the sound of this moment: another takes its place when other seconds of it may be heard

  function clock(seconds) {
    const whole = Math.max(0, Math.floor(seconds || 0));
    const rest = `${String(Math.floor((whole % 3600) / 60)).padStart(whole >= 3600 ? 2 : 1, "0")}:${String(whole % 60).padStart(2, "0")}`;
    return whole >= 3600 ? `${Math.floor(whole / 3600)}:${rest}` : rest;
  }

  // --- What the page shows of the words; read again when htmx has put new results in ---------------------------------

  let starts = [];
  let ends = [];
  let items = [];
  let current = null;
  let findings = [];
  let here = -1;
  let stopAt = Infinity;

  function read() {
    items = [...document.querySelectorAll("#segments > [data-start]")];
    starts = items.map((item) => Number(item.dataset.start));
    ends = items.map((item) => Number(item.dataset.end));
    findings = [...document.querySelectorAll("#findings .finding")];
    current = null;
    here = -1;
    const label = byId("follow-label");
    if (label) label.hidden = false;
  }

  function segmentAt(time) {
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (starts[middle] <= time) low = middle + 1;
      else high = middle;
    }
    const index = low - 1;
    // Between two segments the one before stays marked for a moment only.
    return index >= 0 && time < ends[index] + 1.5 ? items[index] : null;
  }

  function highlight(time) {
    const item = segmentAt(time);
    if (item === current) return;
    current?.classList.remove("now");
    current?.removeAttribute("aria-current");
    current = item;
    document.dispatchEvent(new CustomEvent("segment", { detail: item })); // transcript.js marks its words
    if (!item) return;
    item.classList.add("now");
    item.setAttribute("aria-current", "true");
    if (byId("follow")?.checked && !audio.paused) follow(item);
  }

  function follow(item) {
    const list = item.parentElement;
    if (list.scrollHeight <= list.clientHeight) return; // on a narrow screen the page itself would jump about
    list.scrollTo({ top: item.offsetTop - list.clientHeight / 3, behavior: calm.matches ? "auto" : "smooth" });
    list.addEventListener("scrollend", () => { if (item === current) settle(list, item); }, { once: true });
  }

  // What was never in view has a height that was guessed: after a long way the segment may lie beside where it was to be.
  function settle(list, item) {
    const [frame, box] = [list.getBoundingClientRect(), item.getBoundingClientRect()];
    if (box.top < frame.top || box.bottom > frame.bottom) list.scrollTo({ top: item.offsetTop - list.clientHeight / 3, behavior: "auto" });
  }

  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  // --- Playing -------------------------------------------------------------------------------------------------------

  function play() {
    audio.play().catch(() => {}); // a pause right after play() is no trouble
  }

  function seek(time, until = Infinity) {
    const end = Number.isFinite(audio.duration) ? audio.duration : Infinity;
    audio.currentTime = Math.min(Math.max(0, time), end);
    stopAt = until;
    paint();
  }

  function toggle() {
    stopAt = Infinity;
    if (audio.paused) play();
    else audio.pause();
  }

  function faster(step) {
    const speed = byId("speed");
    speed.selectedIndex = Math.min(Math.max(0, speed.selectedIndex + step), speed.options.length - 1);
    setSpeed();
  }

  function setSpeed() {
    audio.playbackRate = Number(byId("speed").value);
    localStorage.setItem("speed", byId("speed").value);
  }

  function paint() {
    const time = audio.currentTime;
    byId("now").textContent = clock(time);
    const scrub = byId("scrub");
    if (document.activeElement !== scrub || !scrub.matches(":active")) scrub.value = time;
    scrub.setAttribute("aria-valuetext", `${clock(time)} of ${clock(audio.duration || scrub.max)}`);
    highlight(time);
    if (time >= stopAt) {
      stopAt = Infinity;
      audio.pause();
    }
  }

  function paintState() {
    const button = byId("play");
    button.setAttribute("aria-label", audio.paused ? "Play" : "Pause");
    button.firstElementChild.textContent = audio.paused ? "▶" : "❚❚";
  }

  function measure() {
    if (!Number.isFinite(audio.duration)) return;
    byId("scrub").max = audio.duration;
    byId("length").textContent = clock(audio.duration);
  }

  // --- Findings ------------------------------------------------------------------------------------------------------

  function goToFinding(step) {
    if (!findings.length) return;
    const next = Math.min(Math.max(0, here + step), findings.length - 1);
    findings[here]?.classList.remove("here");
    here = next;
    const finding = findings[here];
    finding.classList.add("here");
    finding.focus({ preventScroll: true });
    finding.scrollIntoView({ block: "center", behavior: calm.matches ? "auto" : "smooth" });
    if (audio && finding.dataset.start) {
      seek(Number(finding.dataset.start) - BEFORE, Number(finding.dataset.end) + AFTER);
      play();
    }
  }

  // --- Keys and clicks -------------------------------------------------------------------------------------------------

  const KEYS = {
    " ": toggle,
    ArrowLeft: () => seek(audio.currentTime - STEP),
    ArrowRight: () => seek(audio.currentTime + STEP),
    ",": () => faster(-1),
    ".": () => faster(1),
  };

  // Keys that press what stands on the page, if it does.
  const PRESSES = { s: "swap", j: "older-call", k: "newer-call" };

  function isTyping(target) {
    return target.matches("textarea, select, input:not([type=range]), [contenteditable]");
  }

  document.addEventListener("keydown", (event) => {
    if (!byId("keys-on").checked || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || byId("keys").open) return;
    if (event.key === " " && event.target.matches("button, summary")) return;
    if (event.key === "?") byId("keys").showModal();
    else if (event.key === "ArrowDown") goToFinding(1);
    else if (event.key === "ArrowUp") goToFinding(-1);
    else if (event.key === "/" && byId("find-text")) byId("find-text").select();
    else if (Object.hasOwn(PRESSES, event.key) && byId(PRESSES[event.key])) byId(PRESSES[event.key]).click();
    else if (audio && Object.hasOwn(KEYS, event.key)) KEYS[event.key]();
    else return;
    event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("#show-keys")) byId("keys").showModal();
    if (!audio || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const link = event.target.closest("[data-seek]");
    const segment = event.target.closest("#segments > [data-start]");
    const isSelecting = segment && !link && !getSelection().isCollapsed;
    if ((!link && !segment) || isSelecting) return;
    event.preventDefault();
    seek(Number((link ?? segment).dataset.seek ?? segment.dataset.start));
    play();
  });

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target?.id === "player" && audio) left = { time: audio.currentTime, playing: !audio.paused };
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    const names = [event.detail.target?.id, event.target.id];
    if (names.includes("player")) bind();
    if (!names.includes("results")) return;
    read();
    if (audio) paint();
    // The results know of seconds that must be silent, or of others than the player plays.
    const player = byId("player");
    if (player.dataset.sound !== byId("results").dataset.sound) htmx.trigger(player, "sound-changed");
  });

  // Single keys can be in the way of speech input, so they can be switched off.
  byId("keys-on").checked = localStorage.getItem("keys") !== "off";
  byId("keys-on").addEventListener("change", (event) => localStorage.setItem("keys", event.target.checked ? "on" : "off"));

  // --- The player of this moment; the one before is left at its second -------------------------------------------------

  let left = null;

  // --- The second that the address names: #t=12.5, or #s7, the start of a segment -----------------------------------------

  function named() {
    const [, time, segment] = /^#(?:t=(\d+(?:\.\d+)?)|(s\d+))/.exec(location.hash) ?? [];
    const start = time ?? (segment && byId(segment)?.dataset.start);
    return start === undefined ? null : Number(start);
  }

  function goToNamed() {
    const time = named();
    if (!audio || time === null) return;
    if (audio.readyState < 1) left = { time, playing: false, shown: true };
    else show(time);
  }

  function show(time) {
    seek(time);
    if (!current) return;
    const list = current.parentElement;
    if (list.scrollHeight > list.clientHeight) follow(current);
    else current.scrollIntoView({ block: "center" });
  }

  window.addEventListener("hashchange", goToNamed);

  function bind() {
    audio = byId("audio");
    if (!audio) return;
    audio.controls = false;
    for (const part of document.querySelectorAll(".controls, .scrubber")) part.hidden = false;
    byId("play").addEventListener("click", toggle);
    for (const button of document.querySelectorAll("[data-skip]")) button.addEventListener("click", () => seek(audio.currentTime + Number(button.dataset.skip)));
    byId("scrub").addEventListener("input", (event) => seek(Number(event.target.value)));
    byId("speed").addEventListener("change", setSpeed);
    for (const kind of ["timeupdate", "seeked"]) audio.addEventListener(kind, paint);
    for (const kind of ["play", "pause", "ended"]) audio.addEventListener(kind, paintState);
    for (const kind of ["loadedmetadata", "durationchange"]) audio.addEventListener(kind, measure);
    audio.addEventListener("loadedmetadata", goOn);
    audio.addEventListener("error", () => { byId("cannot-play").hidden = false; for (const part of document.querySelectorAll(".controls, .scrubber")) part.hidden = true; });
    const kept = localStorage.getItem("speed");
    if (kept && [...byId("speed").options].some((option) => option.value === kept)) { byId("speed").value = kept; setSpeed(); }
    if (audio.readyState >= 1) { measure(); goOn(); }
  }

  function goOn() {
    if (!left) return;
    const { time, playing, shown } = left;
    left = null;
    if (shown) show(time);
    else seek(time);
    if (playing) play();
  }

  read();
  bind();
  goToNamed();
})();
