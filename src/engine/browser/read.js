// Gives what was seen of the document, once what is on its way to be painted is painted.
await new Promise(done => {
  setTimeout(done, 150);
  requestAnimationFrame(() => setTimeout(done, 0));
});
const seen = window.__wayfarer_seen || {};
if (seen.flush) seen.flush();
const plain = e => (e.toJSON ? e.toJSON() : null);
const nav = performance.getEntriesByType('navigation')[0];
return {
  url: location.href.slice(0, 4096), title: String(document.title).slice(0, 1024),
  origin: performance.timeOrigin, now: performance.now(), nav: nav ? plain(nav) : null,
  steady: seen.steady === true, fcp: seen.fcp, lcp: seen.lcp, shifts: seen.shifts, events: seen.events, long: seen.long,
  resources: wanted ? performance.getEntriesByType('resource').slice(-1000).map(plain) : [],
};
