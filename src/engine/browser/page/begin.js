// What walks with a journey inside the page: it finds elements the way people do, waits for them, and says what there is instead.
//
// The parts of this folder are joined into one function, which runs before any script of a new document where the browser offers that,
// and otherwise with the first question. It keeps its own hands on what pages like to replace, changes nothing that a page can see
// (but the three functions it counts requests and shadow trees by), and answers with plain values.
(() => {
  "use strict";
  const KEY = Symbol.for("wayfarer.page");
  if (window[KEY]) return;

  const soon = window.setTimeout.bind(window);
  const forget = window.clearTimeout.bind(window);
  const nextFrame = window.requestAnimationFrame.bind(window);
  const now = () => performance.timeOrigin + performance.now();
