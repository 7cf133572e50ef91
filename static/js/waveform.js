// Draws the sound of a call: one lane for each channel, the agent's above. Without the library, or before the server
// has looked at the sound, the plain position bar stays.
(() => {
  "use strict";

  const nonce = document.currentScript.nonce; // the library has styles of its own
  const WAITS = [1, 2, 4, 8, 15, 30, 60]; // seconds between looks, while the server is at it
  const ONE_LANE = 44; // pixels
  const TWO_LANES = 28;
  const byId = (id) => document.getElementById(id);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let drawing = null;
  let drawn = ""; // what is drawn, as it came
  let shown = null; // in which element
  let waiting = 0;

  async function look(tries = 0) {
    clearTimeout(waiting);
    const box = byId("lanes");
    if (!box || !globalThis.WaveSurfer) return;
    const analysis = byId("results")?.dataset.analysis ?? "";
    try {
      const response = await fetch(`${box.dataset.waveform}?analysis=${analysis}`);
      if (response.status === 202 && tries < WAITS.length) waiting = setTimeout(() => look(tries + 1), WAITS[tries] * 1000);
      if (response.status === 200) draw(box, await response.text());
    } catch {
      // Without a network there is no sound either; portal.js says so.
    }
  }

  function draw(box, text) {
    if (box === shown && text === drawn) return;
    const { step, lanes } = JSON.parse(text);
    drawing?.destroy();
    [shown, drawn] = [box, text];
    const peaks = lanes.map((lane) => Float32Array.from(atob(lane.loudness), (letter) => letter.charCodeAt(0) / 255));
    box.hidden = false;
    box.closest(".scrubber").classList.add("drawn");
    for (const place of [0, 1]) byId(`lane-${place}`).textContent = lanes.length > 1 ? lanes[place].name : "";
    drawing = WaveSurfer.create({
      ...colours(lanes.length),
      container: box,
      peaks,
      duration: peaks[0].length * step,
      interact: false, // the position bar lies over it, for mouse and keyboard alike
      autoScroll: false,
      hideScrollbar: true,
      cspNonce: nonce,
    });
    drawing.on("redrawcomplete", follow);
  }

  // The library could follow the sound by itself, but then it paints sixty times a second, for steps that nobody sees.
  function follow() {
    if (drawing && byId("audio")) drawing.setTime(byId("audio").currentTime);
  }

  // Of the sound nothing bubbles, but all of it passes on its way down.
  for (const kind of ["timeupdate", "seeked"]) document.addEventListener(kind, (event) => { if (event.target.id === "audio") follow(); }, true);

  function colours(count) {
    const colour = (name) => getComputedStyle(byId("lanes")).getPropertyValue(name).trim();
    const agent = { waveColor: colour("--lane-agent"), progressColor: colour("--lane-agent-played") };
    const contact = { waveColor: colour("--lane-contact"), progressColor: colour("--lane-contact-played") };
    const common = { cursorColor: colour("--bad"), cursorWidth: 2, barWidth: 2, barGap: 1, barRadius: 1 };
    if (count === 1) return { ...common, ...agent, height: ONE_LANE };
    return { ...common, height: TWO_LANES, splitChannels: [{ ...agent, height: TWO_LANES }, { ...contact, height: TWO_LANES }] };
  }

  dark.addEventListener("change", () => { if (drawing) drawing.setOptions(colours(JSON.parse(drawn).lanes.length)); });

  // Another player, or other words: whose lane is whose may have changed.
  document.addEventListener("htmx:afterSettle", (event) => {
    const names = [event.detail.target?.id, event.target.id];
    if (names.includes("player") || names.includes("results")) look();
  });
  look();
})();
