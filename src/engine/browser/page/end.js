  // ---- Questions: each takes plain values and gives plain values, or elements for the driver ----

  /// What a look at a locator gives; a locator that cannot be read is told at once.
  function sight(check) {
    try {
      return check();
    } catch (error) {
      return { done: true, state: "invalid", note: String(error.message || error) };
    }
  }

  const questions = {
    /// Waits until an element can be used, does what can be done from here, and hands it out.
    async find({ locator, want, patience, deed, aimed }) {
      const steady = {};
      const seen = await until(patience, () => sight(() => {
        const found = look(locator, want, steady);
        if (found.state !== "ready") return found;
        const done = deed ? DEEDS[deed.name](found.field, deed) : {};
        if (done.state) return { element: found.element, ...done };
        if (aimed) aim = { element: found.element, missed: null };
        const since = steady.waited ? steady.since : undefined;
        return { ...found, ...done, done: true, since };
      }));
      if (seen.state !== "ready") return { trouble: { ...account(seen, locator), options: seen.options } };
      const { element, at, empty, other } = seen;
      return { element, at, empty, other, ...facts(seen.field) };
    },

    /// Waits until an element is shown, or none is.
    async shown({ locator, wanted, patience }) {
      const seen = await until(patience, () => sight(() => {
        const found = matches(locator);
        const done = found.some(isShown) === wanted;
        if (done) return { done };
        const element = wanted ? found[0] : found.find(isShown);
        return element ? { state: wanted ? "hidden" : "shown", element } : { state: "none" };
      }));
      return seen.at !== undefined && !seen.state ? { at: seen.at } : { trouble: account(seen, locator) };
    },

    /// Waits until no request was under way for so long.
    async quiet({ time, patience }) {
      const seen = await until(patience, () => {
        const since = quietSince();
        return since !== null && now() - since >= time ? { done: true, since } : { open: traffic.open };
      });
      return seen.done ? { at: seen.at } : { trouble: { state: "busy", total: seen.open } };
    },

    /// Waits until a function gives something true.
    async holds({ patience }, condition) {
      const seen = await until(patience, async () => ((await condition()) ? { done: true } : {}));
      return seen.done ? { at: seen.at } : { trouble: { state: "untrue" } };
    },

    /// Waits until the address or the title is another one than it was.
    async other({ what, was, patience }) {
      const read = () => (what === "url" ? location.href : document.title);
      await until(patience, () => (read() === was ? {} : { done: true }));
      return { is: read(), at: now() };
    },

    /// Waits for the load event to be over.
    async loaded({ patience }) {
      await until(patience, () => (loadedAt() ? { done: true } : { again: document.readyState === "complete" }));
      return {};
    },

    /// Waits until something changes.
    async change({ patience }) {
      await change(0, patience);
      return {};
    },

    async time({ time }) {
      await pause(time);
      return { at: now() };
    },

    now: () => ({}),

    scrollTo({ bottom }) {
      const page = document.scrollingElement || document.documentElement;
      window.scrollTo({ top: bottom ? page.scrollHeight : 0, behavior: "instant" });
      return {};
    },

    store({ area, entries }) {
      for (const [name, value] of entries) window[area].setItem(name, value);
      return {};
    },

    /// The answers to queries, and of the document what was asked for.
    ask({ queries, withSource }) {
      const answers = queries.map(safely);
      return { answers, source: withSource ? source() : null, changed: clock.changed };
    },

    /// How the present document was had (Navigation Timing, level 2).
    navigation() {
      const entry = performance.getEntriesByType("navigation")[0];
      return entry ? entry.toJSON() : null;
    },
  };

  /// Any question: what it gives, and the clock.
  async function ask(question, parameters, ...more) {
    watch();
    const value = await questions[question](parameters, ...more);
    return { value, clock: tick() };
  }

  watch();
  watchShadowTrees();
  watchAim();
  watchGestures();
  countFetch();
  countXhr();
  noteResources();
  Object.defineProperty(window, KEY, { value: ask, configurable: true });
})();
