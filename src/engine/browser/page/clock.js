  // ---- What happened when, by the page's own clock (milliseconds since 1970) ----

  const clock = {
    /// When the document was last seen to change.
    changed: now(),
    /// What a visitor did since this was last asked for: when, and until when the page worked on it.
    gestures: [],
  };

  /// Called at each change of the document.
  const listeners = new Set();

  const observer = new MutationObserver(changed);

  function changed() {
    clock.changed = now();
    for (const listener of listeners) listener();
  }

  const EVERYTHING = { subtree: true, childList: true, attributes: true, characterData: true };
  let watched = null;

  /// A window may outlive its first document (the empty one), so each question asks whether the right one is watched.
  function watch() {
    if (watched === document) return;
    watched = document;
    observer.observe(document, EVERYTHING);
    for (const root of roots(document)) if (root !== document) observer.observe(root, EVERYTHING);
  }

  function watchShadowTrees() {
    const attach = Element.prototype.attachShadow;
    Element.prototype.attachShadow = function attachShadow(init) {
      const root = attach.call(this, init);
      if (root.mode === "open") observer.observe(root, EVERYTHING);
      return root;
    };
  }

  /// The element that the driver is about to press. What a mouse leaves on its way may move the page, and then the press would land elsewhere:
  /// such a press is kept from the page, and told, so that it is tried again.
  let aim = null;
  const PRESS = ["pointerdown", "mousedown", "pointerup", "mouseup", "click"];

  function watchAim() {
    const onPress = event => {
      if (!aim || !event.isTrusted) return;
      if (event.type === "pointerdown" && aim.missed === null) aim.missed = !event.composedPath().includes(aim.element);
      if (aim.missed) {
        event.preventDefault();
        event.stopImmediatePropagation();
      }
    };
    for (const type of PRESS) window.addEventListener(type, onPress, { capture: true });
  }

  /// A press, a key or a click begins a gesture; what follows within half a second (`click` after `pointerdown`, `input` after `keydown`)
  /// belongs to it. The page has worked on it until the first task after its handlers.
  function watchGestures() {
    const begins = ["pointerdown", "keydown"];
    const onEvent = event => {
      if (!event.isTrusted) return;
      const at = performance.timeOrigin + event.timeStamp;
      let gesture = clock.gestures.at(-1);
      if (!gesture || begins.includes(event.type) || at - gesture.from > 500) {
        gesture = { from: at, to: at };
        clock.gestures.push(gesture);
        if (clock.gestures.length > 500) clock.gestures.shift();
      }
      const channel = new MessageChannel();
      channel.port1.onmessage = () => {
        gesture.to = now();
        channel.port1.close();
      };
      channel.port2.postMessage(null);
    };
    for (const type of [...begins, "click", "input", "change"]) {
      window.addEventListener(type, onEvent, { capture: true, passive: true });
    }
  }

  /// What each answer carries: which document speaks, and what happened in it since the last answer.
  function tick() {
    const gestures = clock.gestures.map(({ from, to }) => [from, to]);
    clock.gestures = [];
    return {
      document: performance.timeOrigin,
      now: now(),
      changed: clock.changed,
      loaded: loadedAt(),
      gestures,
      missed: landed(),
      top: window === window.top,
      url: location.href,
      error: networkError(),
    };
  }

  /// Whether the press that was aimed landed elsewhere.
  function landed() {
    const missed = aim?.missed === true;
    if (aim?.missed !== null) aim = null;
    return missed;
  }

  /// When the load event was over.
  function loadedAt() {
    const ended = performance.getEntriesByType("navigation")[0]?.loadEventEnd || 0;
    return ended > 0 ? performance.timeOrigin + ended : null;
  }

  /// The browser's own page says why there is none of the site's.
  function networkError() {
    if (location.protocol !== "chrome-error:") return null;
    const told = window.loadTimeDataRaw?.errorCode || document.querySelector(".error-code")?.textContent || "";
    return /[A-Z][A-Z0-9_]{4,}/.exec(told)?.[0] || "ERR_FAILED";
  }
