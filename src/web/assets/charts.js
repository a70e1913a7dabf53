// A span of a journey in more detail: drag to go on, double-click to go back to the drawn chart. Drawn by uPlot from /api/v1/series; each zoom asks for
// finer figures.
"use strict";

window.wayfarerChart = async (figure, series, first, root) => {
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const colour = { band: css("--band"), quiet: css("--quiet"), line: css("--line"), bad: css("--bad"), warn: css("--warn") };
  const ms = (v) => (v === null || v === undefined ? "–" : v >= 10000 ? `${(v / 1000).toFixed(1)} s` : v < 9.95 ? `${v.toFixed(1)} ms` : `${v.toFixed(0)} ms`);
  const address = new URL(location.href);

  const ask = async (from, to) => {
    const query = new URLSearchParams({ journey: series.journey, environment: series.environment, location: series.location, from, to, points: 400 });
    const answer = await fetch(`${root}api/v1/series?${query}`);
    if (!answer.ok) throw new Error(answer.status);
    return answer.json();
  };
  const columns = (told) => {
    const middle = told.at.map((at) => at + told.step_s / 2);
    return [middle, told.p95_ms, told.p50_ms, told.p5_ms];
  };

  let told = await ask(first.from, first.to);
  const tip = figure.querySelector(".tip");
  const plot = figure.querySelector("svg.plot");
  const left = plot.getBoundingClientRect().left - figure.getBoundingClientRect().left;

  const marks = (u) => {
    const c = u.ctx;
    c.save();
    c.lineWidth = devicePixelRatio;
    for (const change of told.changes) {
      const x = u.valToPos(new Date(change.started_at).getTime() / 1000, "x", true);
      if (x < u.bbox.left || x > u.bbox.left + u.bbox.width) continue;
      c.strokeStyle = change.verdict === "regressed" ? colour.bad : change.verdict === "suspected" ? colour.warn : colour.quiet;
      c.setLineDash(change.verdict === "regressed" ? [] : [3 * devicePixelRatio, 3 * devicePixelRatio]);
      c.beginPath();
      c.moveTo(x, u.bbox.top);
      c.lineTo(x, u.bbox.top + u.bbox.height);
      c.stroke();
    }
    c.restore();
  };
  const hover = (u) => {
    const at = u.cursor.idx;
    tip.hidden = at === null || at === undefined || u.cursor.left < 0;
    if (tip.hidden) return;
    const began = new Date(told.at[at] * 1000);
    const lines = [
      `${began.getFullYear()}-${two(began.getMonth() + 1)}-${two(began.getDate())} ${two(began.getHours())}:${two(began.getMinutes())}:${two(began.getSeconds())}`,
      `${told.passed[at]} passed, ${told.failed[at]} failed${told.broken[at] ? `, ${told.broken[at]} broke` : ""}`,
      `median ${ms(told.p50_ms[at])}`,
      `5 % to 95 %: ${ms(told.p5_ms[at])} to ${ms(told.p95_ms[at])}`,
    ];
    tip.textContent = lines.join("\n");
    const x = left + u.cursor.left;
    tip.style.left = `${x + tip.offsetWidth + 24 > figure.offsetWidth ? x - tip.offsetWidth - 14 : x + 14}px`;
    tip.style.top = "6px";
  };
  const zoom = async (from, to) => {
    told = await ask(from, to);
    u.setData(columns(told), false);
    u.setScale("x", { min: new Date(told.from).getTime() / 1000, max: new Date(told.to).getTime() / 1000 });
    show(from, to);
  };
  const show = (from, to) => {
    const address = new URL(location.href);
    address.searchParams.delete("span");
    address.searchParams.set("from", from);
    address.searchParams.set("to", to);
    history.replaceState(null, "", address);
    redraw.href = address.href;
  };
  const redraw = document.createElement("a");
  redraw.className = "button";
  redraw.textContent = "Show the page for this span";
  const back = () => {
    u.destroy();
    figure.classList.remove("zoomed");
    redraw.remove();
    tip.hidden = true;
    history.replaceState(null, "", address);
    return null;
  };

  const two = (n) => String(n).padStart(2, "0");
  const times = (_, all, __, ___, apart) => all.map((at) => {
    const t = new Date(at * 1000);
    if (apart >= 86400) return `${two(t.getMonth() + 1)}-${two(t.getDate())}`;
    return `${two(t.getHours())}:${two(t.getMinutes())}${apart < 60 ? `:${two(t.getSeconds())}` : ""}`;
  });
  const axis = { stroke: colour.quiet, font: "11px system-ui, sans-serif", grid: { stroke: colour.line, width: 1 }, ticks: { show: false } };
  const size = () => ({ width: figure.clientWidth, height: plot.clientHeight });
  const u = new uPlot({
    ...size(),
    padding: [0, 0, 0, 0],
    legend: { show: false },
    cursor: { drag: { x: true, y: false, setScale: false }, y: false, bind: { dblclick: () => back } },
    scales: { x: { time: true, range: (_, min, max) => [min, max] }, y: { range: (_, min, max) => [0, max * 1.08 || 1] } },
    axes: [
      { ...axis, size: 24, gap: 6, grid: { show: false }, values: times },
      { ...axis, size: left, gap: 6, values: (_, all) => all.map((v) => (v === 0 ? "0" : v >= 1000 ? `${v / 1000} s` : `${v} ms`)) },
    ],
    series: [
      {},
      { stroke: "transparent", points: { show: false } },
      { stroke: colour.band, width: 1.6, points: { show: false } },
      { stroke: "transparent", points: { show: false } },
    ],
    bands: [{ series: [1, 3], fill: `${colour.band}2b` }],
    hooks: {
      draw: [marks],
      setCursor: [hover],
      setSelect: [(u) => {
        if (u.select.width < 4) return;
        const at = (x) => new Date(u.posToVal(x, "x") * 1000).toISOString();
        const [from, to] = [at(u.select.left), at(u.select.left + u.select.width)];
        u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
        zoom(from, to);
      }],
    },
  }, columns(told), figure);
  u.setScale("x", { min: Date.parse(first.from) / 1000, max: Date.parse(first.to) / 1000 });
  show(first.from, first.to);
  figure.classList.add("zoomed");
  figure.parentElement.querySelector("figcaption").append(redraw);
  new ResizeObserver(() => u.setSize(size())).observe(figure);
  figure.append(tip);
};
