// The page of a call for paper: a button for the browser's own printing.
(() => {
  "use strict";

  const button = document.getElementById("print");
  button.hidden = false;
  button.addEventListener("click", () => print());
})();
