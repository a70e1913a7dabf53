// Watches a document from its beginning; runs before any script of the page, and once more by itself where it could not.
(function () {
  const NAME = '__wayfarer_seen';
  if (window[NAME] || window.top !== window) return;
  const MOST = 500;
  const told = PerformanceObserver.supportedEntryTypes || [];
  const seen = { steady: told.includes('layout-shift'), lcp: 0, fcp: 0, shifts: [], events: [], long: [] };
  const keep = (list, item) => { if (list.length < MOST) list.push(item); };
  const watch = (type, options, each) => {
    if (!told.includes(type)) return;
    try {
      const observer = new PerformanceObserver(list => list.getEntries().forEach(each));
      observer.observe(Object.assign({ type, buffered: true }, options));
      observers.push([observer, each]);
    } catch (e) { /* this browser does not tell */ }
  };
  const observers = [];
  watch('paint', {}, e => { if (e.name === 'first-contentful-paint') seen.fcp = e.startTime; });
  watch('largest-contentful-paint', {}, e => { seen.lcp = e.startTime; });
  watch('layout-shift', {}, e => { if (!e.hadRecentInput) keep(seen.shifts, [e.startTime, e.value]); });
  const event = e => { if (e.interactionId) keep(seen.events, [e.interactionId, e.startTime, e.duration]); };
  watch('event', { durationThreshold: 16 }, event);
  watch('first-input', {}, event);
  watch('longtask', {}, e => keep(seen.long, [e.startTime, e.duration]));
  seen.flush = () => observers.forEach(([observer, each]) => observer.takeRecords().forEach(each));
  Object.defineProperty(window, NAME, { value: seen });
})();
