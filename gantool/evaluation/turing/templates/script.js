"use strict";

const form = document.getElementById("answers");
if (form) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    // Buttons must not be disabled here: the one that was pressed would not be sent.
    if (sent) event.preventDefault();
    sent = true;
  });
  document.addEventListener("keydown", (event) => {
    if (event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const button = [...form.querySelectorAll("button")].find((each) => each.dataset.keys.split(" ").includes(key));
    if (button) {
      event.preventDefault();
      button.click();
    }
  });
}
