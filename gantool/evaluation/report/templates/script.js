"use strict";

(() => {
  const grid = document.getElementById("grid");
  if (!grid) return;
  const [split, flicker, rate, said, maps] = ["split", "flicker", "rate", "rate-said", "maps"].map((id) => document.getElementById(id));
  document.documentElement.classList.add("js");
  document.getElementById("controls").addEventListener("submit", (event) => event.preventDefault());

  const divide = () => {
    grid.style.setProperty("--split", `${split.value}%`);
    split.setAttribute("aria-valuetext", `${split.value} % of each picture synthetic, the rest refined`);
  };
  split.addEventListener("input", divide);
  divide();

  // At most three changes a second: faster flashing can cause seizures (WCAG 2.3.1).
  const FASTEST = 3;
  let timer = 0;
  const change = () => {
    if (document.hidden) return;
    const after = grid.classList.toggle("showing-after");
    grid.classList.toggle("showing-before", !after);
  };
  const restart = () => {
    said.textContent = rate.value;
    clearInterval(timer);
    if (flicker.checked) {
      timer = setInterval(change, 1000 / Math.min(FASTEST, Number(rate.value)));
    } else {
      grid.classList.remove("showing-before", "showing-after");
    }
  };
  flicker.addEventListener("change", restart);
  rate.addEventListener("input", restart);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && flicker.checked) {
      flicker.checked = false;
      restart();
    }
  });

  maps.addEventListener("change", () => grid.classList.toggle("no-maps", !maps.checked));
})();
