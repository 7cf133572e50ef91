// The editor of the rules: the line that is wrong is selected and brought into view.
(() => {
  "use strict";

  function show(root) {
    const wrong = root.querySelector?.("[data-wrong-line]") ?? document.querySelector("[data-wrong-line]");
    const area = document.getElementById("id_text");
    const line = Number(wrong?.dataset.wrongLine);
    if (!area) return;
    area.setAttribute("aria-invalid", String(document.querySelector("#id_text_error .errors") !== null));
    if (!line) return;
    const lines = area.value.split("\n");
    const start = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
    area.focus();
    area.setSelectionRange(start, start + (lines[line - 1] ?? "").length);
    const height = parseFloat(getComputedStyle(area).lineHeight);
    area.scrollTop = Math.max(0, (line - 4) * height);
    area.scrollLeft = 0;
  }

  document.addEventListener("htmx:oobAfterSwap", (event) => show(event.detail.target));
  show(document);
})();
