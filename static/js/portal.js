// What every page does: says when the server could not be reached, and keeps what was typed.
(() => {
  "use strict";

  let hide = 0;

  function tell(sentence) {
    const box = document.getElementById("trouble");
    box.textContent = sentence;
    box.hidden = false;
    clearTimeout(hide);
    hide = setTimeout(() => { box.hidden = true; }, 8000);
  }

  function reason(status) {
    if (status === 403) return "That was refused: reload the page, then try again. What you typed is kept.";
    if (status === 404) return "That is not there any more. Reload the page.";
    if (status === 413) return "That is larger than the server takes.";
    return `The server could not do that (error ${status}). Nothing was changed; try again.`;
  }

  document.addEventListener("htmx:sendError", () => tell("The server cannot be reached. Check the network; this page goes on by itself."));
  document.addEventListener("htmx:timeout", () => tell("The server takes long to answer. This page goes on by itself."));
  document.addEventListener("htmx:responseError", (event) => tell(reason(event.detail.xhr.status)));

  // What changes by itself is said once, in a place that stays: polled fragments themselves are silent.
  function say(root) {
    const speaking = root.matches?.("[data-says]") ? root : root.querySelector?.("[data-says]");
    const news = document.getElementById("news");
    if (speaking && news.textContent !== speaking.dataset.says) news.textContent = speaking.dataset.says;
  }

  // A textarea with data-draft outlives the end of a session: what was typed is put back until it is sent.
  function restore(root) {
    for (const area of root.querySelectorAll("textarea[data-draft]")) {
      const kept = sessionStorage.getItem(area.dataset.draft);
      if (kept && !area.value) area.value = kept;
    }
  }

  document.addEventListener("input", (event) => {
    if (event.target.matches("textarea[data-draft]")) sessionStorage.setItem(event.target.dataset.draft, event.target.value);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const area = event.detail.elt.querySelector?.("textarea[data-draft]");
    if (area && event.detail.successful && event.detail.requestConfig.verb === "post") sessionStorage.removeItem(area.dataset.draft);
  });
  document.addEventListener("htmx:load", (event) => {
    restore(event.detail.elt);
    if (event.detail.elt !== document.body) say(event.detail.elt);
  });
  restore(document);

  // Where there is little room the filters are folded away, unless one of them is in use; in a wide window they are open,
  // also in one that was narrow before: there is nothing to unfold them by.
  const narrow = matchMedia("(max-width: 62rem)");
  function fold() {
    const asked = [...new URLSearchParams(location.search).keys()];
    for (const details of document.querySelectorAll("details.unfold")) {
      const beside = details.dataset.beside?.split(" ") ?? []; // parameters that are no filters
      details.open = !narrow.matches || asked.some((name) => !beside.includes(name));
    }
  }
  fold();
  narrow.addEventListener("change", fold);

  // In a narrow window the navigation is longer than a line: it begins where we are.
  const here = document.querySelector(".site-nav [aria-current]");
  const nav = here?.closest(".site-nav");
  if (nav) nav.scrollLeft += Math.max(0, here.getBoundingClientRect().right - nav.getBoundingClientRect().right);
})();
