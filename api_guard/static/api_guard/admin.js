/* Puts the focus where a person goes on: at the answer, or at the search of a list. One box, which is
   hidden without this, selects all others of a name on the page. */
"use strict";
window.addEventListener("load", () => {
  document.querySelectorAll("[data-selects]").forEach((box) => {
    box.closest("[hidden]").hidden = false;
    box.addEventListener("change", () => {
      document.querySelectorAll(`input[name=${box.dataset.selects}]`).forEach((each) => {
        each.checked = box.checked;
      });
    });
  });
  const place = document.querySelector("[data-focus]") || document.querySelector("#changelist #searchbar");
  if (place && !window.location.hash) {
    place.focus();
  }
});
