// The dashboard is complete without this script. It puts times into the reader's zone, tells what is under the pointer at once,
// follows what happens, and fetches the charts that can be zoomed when somebody reaches for one.
"use strict";

const root = document.body.dataset.root;
const two = (n) => String(n).padStart(2, "0");
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

// Forms are as wide as what the server wrote, so that nothing moves.
const forms = {
  time: (t) => `${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}`,
  minute: (t) => `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())} ${two(t.getHours())}:${two(t.getMinutes())}`,
  second: (t) => `${forms.minute(t)}:${two(t.getSeconds())}`,
  "axis-s": (t) => forms.time(t),
  "axis-m": (t) => `${two(t.getHours())}:${two(t.getMinutes())}`,
  "axis-d": (t) => `${months[t.getMonth()]} ${two(t.getDate())}`,
};

function localTimes(within) {
  for (const e of within.querySelectorAll("time[data-form], text[data-form]")) {
    const at = new Date(e.getAttribute("datetime") || e.dataset.at);
    const form = forms[e.dataset.form];
    if (form && !Number.isNaN(at.getTime())) e.textContent = form(at);
  }
}

// What a stretch of a chart tells, at the pointer: the title that stands in the SVG, without the browser's delay.
function tips(within) {
  for (const chart of within.querySelectorAll(".chart")) {
    const tip = document.createElement("div");
    tip.className = "tip";
    tip.hidden = true;
    chart.append(tip);
    for (const column of chart.querySelectorAll(".column")) {
      const title = column.querySelector("title");
      column.tip = title.textContent.split("\n").slice(1).join("\n");
      title.remove();
    }
    chart.addEventListener("pointermove", (event) => {
      const text = event.target.tip;
      tip.hidden = !text;
      if (!text) return;
      tip.textContent = `${forms.second(new Date(event.target.dataset.at))}\n${text}`;
      const box = chart.getBoundingClientRect();
      const left = event.clientX - box.left + 14;
      const room = box.width - tip.offsetWidth - 4;
      tip.style.left = `${left > room ? Math.max(0, event.clientX - box.left - tip.offsetWidth - 14) : left}px`;
      tip.style.top = "6px";
    });
    chart.addEventListener("pointerleave", () => { tip.hidden = true; });
  }
}

// Dragging over a chart shows that span in more detail, by a chart that can be zoomed further: only then is it fetched.
function zoomable() {
  const section = document.querySelector("[data-series]");
  const figure = document.querySelector("[data-chart=latency] .chart");
  if (!section || !figure) return;
  const plot = figure.querySelector("svg.plot");
  const load = (name) => new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = `${root}assets/${name}${new URL(document.querySelector("script[src]").src).search}`;
    script.onload = done;
    script.onerror = failed;
    document.head.append(script);
  });
  let loaded = null;
  const zoom = async (from, to) => {
    loaded ??= load("uplot.min.js").then(() => load("charts.js"));
    await loaded;
    window.wayfarerChart(figure, { ...section.dataset }, { from, to }, root);
  };
  const pick = document.createElement("div");
  pick.className = "pick";
  let begun = null;
  const share = (event) => {
    const box = plot.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  };
  plot.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.pointerType === "touch" || event.target.closest("a")) return;
    begun = share(event);
    plot.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  plot.addEventListener("pointermove", (event) => {
    if (begun === null) return;
    const box = plot.getBoundingClientRect();
    const [low, high] = [begun, share(event)].sort((a, b) => a - b);
    pick.style.left = `${box.left - figure.getBoundingClientRect().left + low * box.width}px`;
    pick.style.width = `${(high - low) * box.width}px`;
    pick.style.height = `${box.height - 24}px`;
    figure.append(pick);
  });
  plot.addEventListener("pointerup", (event) => {
    if (begun === null) return;
    const [low, high] = [begun, share(event)].sort((a, b) => a - b);
    begun = null;
    pick.remove();
    if (high - low < 0.01) return;
    const [from, to] = [Date.parse(section.dataset.from), Date.parse(section.dataset.to)];
    const at = (part) => new Date(from + part * (to - from)).toISOString();
    zoom(at(low), at(high)).catch(() => {
      location.search = new URLSearchParams({ ...Object.fromEntries(new URLSearchParams(location.search)), from: at(low), to: at(high), span: "" });
    });
  });
}

// Choosing is enough: the button is for those without a script.
function submits() {
  for (const form of document.querySelectorAll("form[data-submit]")) {
    form.querySelector("button").hidden = true;
    form.addEventListener("change", () => form.requestSubmit());
    form.addEventListener("submit", () => {
      for (const field of form.elements) if (!field.value) field.disabled = true;
    });
  }
}

// Rows are renewed where they stand. What would push the page about is only told of.
function follow() {
  const pulse = document.querySelector("[data-pulse]");
  const news = document.querySelector("[data-news]");
  let source = null;
  let waiting = null;
  const renew = async () => {
    waiting = null;
    const rows = document.querySelectorAll("[data-row]");
    if (!rows.length) return;
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const found = new Map([...fresh.querySelectorAll("[data-row]")].map((row) => [row.dataset.row, row]));
    for (const row of rows) {
      const other = found.get(row.dataset.row);
      if (!other || row.contains(document.activeElement)) continue;
      localTimes(other);
      if (other.innerHTML !== row.innerHTML) row.replaceChildren(...other.childNodes);
    }
  };
  const soon = () => { waiting ??= setTimeout(() => renew().catch(() => {}), 4000); };
  const tell = () => { news.hidden = false; };
  const open = () => {
    source = new EventSource(`${root}live`);
    source.onopen = () => pulse?.classList.add("on");
    source.onerror = () => pulse?.classList.remove("on");
    source.addEventListener("run", soon);
    source.addEventListener("finding", tell);
    source.addEventListener("change", tell);
    source.addEventListener("verdict", soon);
  };
  // A browser has few connections for a server: a page that nobody looks at gives its own back.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      source?.close();
      source = null;
    } else if (!source) {
      open();
      soon();
    }
  });
  if (!document.hidden) open();
}

localTimes(document);
tips(document);
submits();
zoomable();
if ("live" in document.body.dataset) follow();
