// Evidence on a page of many calls: ▶ plays just the seconds that show it, one at a time.
(() => {
  "use strict";

  const AFTER = 0.4; // seconds, so that the last word is not cut
  const audio = document.getElementById("clip-sound");
  if (!audio) return;
  let playing = null;
  let stopAt = Infinity;

  function show(link, isPlaying) {
    if (!link) return;
    link.classList.toggle("playing", isPlaying);
    link.querySelector(".glyph").textContent = isPlaying ? "❚❚" : "▶";
  }

  function stop() {
    audio.pause();
    show(playing, false);
    playing = null;
  }

  async function play(link) {
    const start = Number(link.dataset.start);
    stop();
    playing = link;
    stopAt = link.dataset.end ? Number(link.dataset.end) + AFTER : start + 10;
    if (audio.getAttribute("src") !== link.dataset.sound) audio.src = link.dataset.sound;
    show(link, true);
    try {
      if (audio.readyState < 1) await new Promise((resolve, reject) => {
        audio.addEventListener("loadedmetadata", resolve, { once: true });
        audio.addEventListener("error", reject, { once: true });
        audio.load();
      });
      if (playing !== link) return; // another one was pressed meanwhile
      audio.currentTime = start;
      await audio.play();
    } catch {
      if (playing === link) stop();
      const news = document.getElementById("trouble");
      news.textContent = "This recording cannot be played here. Open the call to listen.";
      news.hidden = false;
      setTimeout(() => { news.hidden = true; }, 8000);
    }
  }

  audio.addEventListener("timeupdate", () => { if (audio.currentTime >= stopAt) stop(); });
  audio.addEventListener("ended", stop);
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.(".play-clip");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (link === playing) stop();
    else play(link);
  });
})();
