  // ---- Whether an element can be used, and what is in its way ----

  /// Whether people see it: it takes room, and nothing says that it is hidden or wholly transparent.
  function isShown(element) {
    if (!element.isConnected) return false;
    if (element.localName === "option") return isShown(element.closest("select, datalist") || element.parentElement);
    if (styleOf(element).display === "contents") return [...element.children].some(isShown);
    const asked = { opacityProperty: true, visibilityProperty: true, checkOpacity: true, checkVisibilityCSS: true };
    if (element.checkVisibility && !element.checkVisibility(asked)) return false;
    if (styleOf(element).visibility !== "visible") return false;
    return takesRoom(element);
  }

  /// An element without a size shows what overflows it.
  function takesRoom(element) {
    const { width, height } = element.getBoundingClientRect();
    if (width > 0 && height > 0) return true;
    return [...element.children].some(child => styleOf(child).overflow === "visible" && isShown(child));
  }

  const isDisabled = element =>
    element.matches(":disabled") || [...upwards(element)].some(each => each.getAttribute("aria-disabled") === "true");

  const isReadOnly = element => element.readOnly === true || element.getAttribute("aria-readonly") === "true";

  /// Fields whose value is chosen and not typed.
  const CHOSEN = ["color", "date", "datetime-local", "month", "range", "time", "week"];
  const TYPED = ["", "email", "number", "password", "search", "tel", "text", "url"];

  function isTypable(element) {
    if (element.localName === "textarea" || element.isContentEditable) return true;
    return element.localName === "input" && [...CHOSEN, ...TYPED].includes(element.type);
  }

  const isCheckable = element =>
    (element.localName === "input" && ["checkbox", "radio"].includes(element.type)) ||
    ["checkbox", "menuitemcheckbox", "menuitemradio", "radio", "switch"].includes(roleOf(element));

  const isChecked = element =>
    typeof element.checked === "boolean" ? element.checked : element.getAttribute("aria-checked") === "true";

  /// The middle of what is in view of an element's first box, where WebDriver clicks.
  function middle(element) {
    const box = element.getClientRects()[0];
    if (!box) return null;
    const view = element.ownerDocument.defaultView;
    const [left, right] = [Math.max(0, box.left), Math.min(view.innerWidth, box.right)];
    const [top, bottom] = [Math.max(0, box.top), Math.min(view.innerHeight, box.bottom)];
    return left < right && top < bottom ? [(left + right) / 2, (top + bottom) / 2] : null;
  }

  function bringIntoView(element) {
    const point = middle(element);
    const box = element.getBoundingClientRect();
    const view = element.ownerDocument.defaultView;
    const inside = box.top >= 0 && box.left >= 0 && box.bottom <= view.innerHeight && box.right <= view.innerWidth;
    if (point && inside && hit(element, point) === null) return;
    element.scrollIntoView({ behavior: "instant", block: "center", inline: "nearest" });
  }

  /// What lies over a point of an element; none where the element itself is there.
  function hit(element, [x, y]) {
    let found = element.ownerDocument.elementFromPoint(x, y);
    while (found?.shadowRoot) {
      const inner = found.shadowRoot.elementFromPoint(x, y);
      if (!inner || inner === found) break;
      found = inner;
    }
    return found && !contains(element, found) ? found : null;
  }

  function cover(element) {
    const point = middle(element);
    return point ? hit(element, point) : null;
  }

  const isAnimated = element => {
    for (const each of upwards(element)) {
      const running = each.getAnimations?.().some(animation => animation.playState === "running");
      if (running) return true;
    }
    return false;
  };

  /// What an action needs of its element.
  const NEEDS = {
    click: { shown: true, enabled: true, still: true, free: true },
    hover: { shown: true, still: true, free: true },
    check: { shown: true, enabled: true, still: true, free: true, fits: isCheckable },
    type: { shown: true, enabled: true, writable: true, fits: isTypable },
    press: { shown: true, enabled: true },
    select: { shown: true, enabled: true },
    scroll: {},
    upload: { enabled: true, fits: element => element.localName === "input" && element.type === "file" },
    frame: { fits: element => ["iframe", "frame"].includes(element.localName) },
    see: { shown: true },
  };

  /// Looks once: the element of an action, or what is wrong. `steady` remembers where it was last time.
  function look(locator, want, steady) {
    const found = matches(locator);
    if (found.length === 0) return { state: "none" };
    const needs = NEEDS[want];
    const one = choose(found, locator, needs);
    if (Array.isArray(one)) return { state: "several", elements: one };
    if (needs.fits && !needs.fits(one)) return { state: "unfit", element: one };
    const instead = want === "check" ? labelInstead(one) : null;
    const target = instead || one;
    const trouble = troubleOf(target, needs, steady);
    return trouble ? { element: target, ...trouble } : { state: "ready", element: target, field: one };
  }

  /// One of several, where only one can be meant: the one that is shown, or that the action fits.
  function choose(found, locator, needs) {
    if (found.length === 1) return found[0];
    const shown = found.filter(isShown);
    const left = shown.length > 0 ? shown : found;
    if (left.length === 1) return left[0];
    const fitting = needs.fits ? left.filter(needs.fits) : [];
    return fitting.length === 1 ? fitting[0] : left;
  }

  /// Boxes are often hidden behind their labels.
  function labelInstead(box) {
    const usable = isShown(box) && !cover(box);
    return usable ? null : [...(box.labels || [])].find(isShown) || null;
  }

  function troubleOf(element, needs, steady) {
    if (needs.shown && !isShown(element)) return { state: "hidden" };
    if (needs.enabled && isDisabled(element)) return { state: "disabled" };
    if (needs.writable && isReadOnly(element)) return { state: "read-only" };
    if (needs.still && !isStill(element, steady)) return { state: "moving", again: true };
    if (!needs.free) return null;
    bringIntoView(element);
    const over = cover(element);
    if (over) return { state: "covered", over };
    return middle(element) ? null : { state: "out of view" };
  }

  /// An element is still when it is where it was a frame ago; nobody needs to wait for that where nothing moves.
  function isStill(element, steady) {
    const { x, y, width, height } = element.getBoundingClientRect();
    const place = [x, y, width, height].join();
    const same = steady.element === element && steady.place === place;
    const calm = now() - clock.changed > 50 && !isAnimated(element);
    if (same) steady.waited = true;
    else Object.assign(steady, { element, place, since: now(), waited: false });
    return same || calm;
  }
