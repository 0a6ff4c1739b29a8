// Keyboard palette and theme switch. Everything here is also reachable by links and the search form.
(() => {
  const root = document.documentElement;
  // Links that MLflow's clients print: /#/experiments/1/runs/ID.
  const run = /^#\/experiments\/(\d+)(?:\/runs\/(\w+))?/.exec(location.hash);
  if (run) location.replace(run[2] ? "/runs/" + run[2] : "/runs?group=" + run[1]);
  try { const t = localStorage.getItem("theme"); if (t) root.dataset.theme = t; } catch {}
  const themeButton = document.querySelector("button.theme");
  if (themeButton) {
    themeButton.hidden = false;
    themeButton.addEventListener("click", () => {
      const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
      try { localStorage.setItem("theme", root.dataset.theme); } catch {}
    });
  }
  let dialog, input, list, entries, on = 0;
  const draw = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const hits = entries.filter(e => words.every(w => (e.kind + " " + e.name + " " + e.label).toLowerCase().includes(w))).slice(0, 30);
    on = Math.min(on, Math.max(hits.length - 1, 0));
    list.replaceChildren(...hits.map((e, i) => {
      const li = document.createElement("li"), a = document.createElement("a"), kind = document.createElement("span");
      a.href = e.href; a.textContent = e.label || e.name; kind.textContent = e.kind; kind.className = "soft"; a.append(kind);
      if (i === on) a.className = "on";
      li.append(a); return li;
    }));
    list.querySelector(".on")?.scrollIntoView({ block: "nearest" });
  };
  const open = async () => {
    if (!dialog) {
      dialog = document.createElement("dialog"); dialog.className = "palette"; dialog.setAttribute("aria-label", "Go to");
      input = document.createElement("input"); input.type = "search"; input.setAttribute("aria-label", "Go to");
      list = document.createElement("ul"); dialog.append(input, list); document.body.append(dialog);
      input.addEventListener("input", () => { on = 0; draw(); });
      input.addEventListener("keydown", e => {
        const n = list.children.length;
        if (e.key === "ArrowDown" && n) { on = (on + 1) % n; draw(); e.preventDefault(); }
        else if (e.key === "ArrowUp" && n) { on = (on + n - 1) % n; draw(); e.preventDefault(); }
        // A search field would take the first Escape to empty itself.
        else if (e.key === "Escape") { dialog.close(); e.preventDefault(); }
        else if (e.key === "Enter") { list.querySelector(".on")?.click(); e.preventDefault(); }
      });
      entries = await (await fetch("/search.json")).json();
    }
    input.value = ""; on = 0; draw(); dialog.showModal(); input.focus();
  };
  addEventListener("keydown", e => { if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "k") { e.preventDefault(); open(); } });
})();
