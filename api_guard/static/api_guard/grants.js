/* The form that gives access works without this. It adds a search of scopes, counts what is
   chosen, shows the date only where it is asked for, and puts the focus on the first field. */
"use strict";
{
  const searchScopes = (box) => {
    const search = document.createElement("input");
    const none = document.createElement("p");
    search.type = "search";
    search.className = "vTextField grants-search";
    search.placeholder = box.dataset.search;
    search.setAttribute("aria-label", box.dataset.search);
    none.textContent = box.dataset.none;
    none.hidden = true;
    none.setAttribute("role", "status");
    box.prepend(search, none);
    const groups = [...box.querySelectorAll("details")];
    const wasOpen = new Map(groups.map((group) => [group, group.open]));
    search.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        event.preventDefault();
      }
    });
    search.addEventListener("input", () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      let found = 0;
      groups.forEach((group) => {
        const title = group.querySelector("summary").textContent.toLowerCase();
        let inGroup = 0;
        group.querySelectorAll("li").forEach((line) => {
          const text = `${title} ${line.textContent.toLowerCase()}`;
          line.hidden = !words.every((word) => text.includes(word));
          inGroup += line.hidden ? 0 : 1;
        });
        group.hidden = inGroup === 0;
        group.open = words.length ? inGroup > 0 : wasOpen.get(group);
        found += inGroup;
      });
      none.hidden = found > 0;
    });
  };

  const countChosen = (box) => {
    box.addEventListener("change", () => {
      box.querySelectorAll("details").forEach((group) => {
        const chosen = group.querySelectorAll("input[type=checkbox]:checked").length;
        group.querySelector("[data-picked]").textContent = chosen;
      });
    });
  };

  const followExpiry = () => {
    const row = document.querySelector(".field-expires_on");
    const radios = [...document.querySelectorAll("input[name=expiry]")];
    if (!row || !radios.length) {
      return;
    }
    const show = () => {
      row.hidden = !radios.some((radio) => radio.checked && radio.value === "date");
    };
    radios.forEach((radio) => radio.addEventListener("change", show));
    show();
  };

  const placeFocus = (tries) => {
    const wrong = document.querySelector(".errors input:not([type=hidden]), .errors select");
    const grantees = document.querySelector(".field-grantees .select2-search__field");
    if (wrong && !wrong.closest(".field-grantees")) {
      wrong.focus();
    } else if (grantees) {
      grantees.focus();
    } else if (tries && document.querySelector(".field-grantees .admin-autocomplete")) {
      // Django makes the field a little later.
      setTimeout(() => placeFocus(tries - 1), 50);
    }
  };

  window.addEventListener("load", () => {
    document.querySelectorAll(".grants-scopes").forEach((box) => {
      if (box.dataset.search) {
        searchScopes(box);
      }
      countChosen(box);
    });
    followExpiry();
    placeFocus(20);
  });
}
