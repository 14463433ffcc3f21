"use strict";
// Of a run that is still going on: asks now and then whether there is something new, and shows it. Who is reading samples is not disturbed.
(() => {
  const known = document.body.dataset.version;
  const note = el("button", { type: "button", id: "news", hidden: true, onclick: () => location.reload() });
  document.body.prepend(note);
  const ask = async () => {
    const now = await (await fetch("version")).json();
    if (now.version === known) return;
    const reading = document.getElementById("samples")?.contains(document.activeElement);
    if (reading) { note.hidden = false; note.textContent = `${now.state}, step ${now.step}: show it`; } else location.reload();
  };
  setInterval(() => ask().catch(() => { note.hidden = false; note.textContent = "lowres-code watch has ended"; }), 3000);
})();
